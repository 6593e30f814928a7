import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Master } from '../../../src/http/dashboard/answers.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { startBrowser, type RunningBrowser } from '../../support/neighbours/start-browser.ts'
import { startEtcd } from '../../support/neighbours/start-etcd.ts'
import { createService, type RunningService } from '../../support/service/start-service.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'

/** The same text for all: what differs between proxies of one machine comes from the environment of HAProxy. */
const template = (port: number): string => `
frontend proxy
  bind "\${LISTEN}:${port}"
  mode http
  default_backend web
backend web
  mode http
{%- for ip in hosts.web %}
  server {{ ip }} {{ ip }}:80
{%- endfor %}
`

const IDS = ['haproxy-0', 'haproxy-1', 'haproxy-2']

describe('a fleet of three proxies that share their registry', () => {
  const stops: (() => PromiseLike<unknown>)[] = []
  const proxies: RunningService[] = []
  let dir: TempDir
  let port: number
  let browser: RunningBrowser

  const templateOf = (index: number): string => dir.file(`template-${index}.j2`)
  const mastersAt = async (index: number): Promise<Master[]> =>
    (await (proxies[index] as RunningService).json<{ masters: Master[] }>('/api/v1/masters')).masters
  const rowOf = async (page: Awaited<ReturnType<RunningBrowser['open']>>['page'], id: string): Promise<string> =>
    await page.locator('#fleet tbody tr', { hasText: id }).innerText()

  beforeAll(async () => {
    dir = await tempDir()
    stops.push(() => dir[Symbol.asyncDispose]())
    browser = await startBrowser()
    stops.push(() => browser[Symbol.asyncDispose]())
    const etcd = await startEtcd(1)
    stops.push(() => etcd[Symbol.asyncDispose]())
    port = await freePort()
    for (const [index, id] of IDS.entries()) {
      const ip = `127.0.0.${11 + index}`
      await writeFile(templateOf(index), template(port))
      const proxy = await createService({
        env: {
          KONTROL_MODE: 'master,slave',
          KONTROL_ID: id,
          KONTROL_IP: ip,
          KONTROL_TTL: '10',
          KONTROL_FOVER: '3',
          KONTROL_ETCD: etcd.hosts[0],
          KONTROL_CONFIG_FILE: templateOf(index),
          KONTROL_HAPROXY_ENV: 'LISTEN',
          LISTEN: ip
        }
      })
      proxy.setEnvironment({ KONTROL_ANNOTATIONS: `{"kontrol.unity3d.com/master":"127.0.0.1:${proxy.port}"}` })
      stops.push(() => proxy[Symbol.asyncDispose]())
      proxies.push(proxy)
    }
    for (const proxy of proxies) await proxy.start()
    for (const proxy of proxies) await proxy.ready()
  }, 60_000)

  afterAll(async () => {
    for (const stop of stops.reverse()) await stop()
  })

  it('knows at each of them who lives, who leads, and that all run the same', async () => {
    await proxies[0]?.ping('127.0.0.99')

    await eventually(async () => {
      for (const index of IDS.keys()) {
        const masters = await mastersAt(index)
        expect(masters.map(({ id }) => id)).toEqual(IDS)
        expect(masters.filter(({ leading }) => leading)).toHaveLength(1)
        expect(masters.filter(({ self }) => self).map(({ id }) => id)).toEqual([IDS[index]])
        expect(masters.flatMap(({ problems }) => problems)).toEqual([])
        expect(new Set(masters.map(({ config }) => config)).size).toBe(1)
      }
      const [first] = await mastersAt(0)
      const { body: runs = '' } = (await proxies[1]?.get('/api/v1/config')) ?? {}
      expect(runs).toContain('127.0.0.99')
      expect(first?.config).toBe(createHash('sha256').update(runs).digest('hex'))
      return true
    }, 30_000)
    const leaders = await Promise.all(
      [...IDS.keys()].map(async (index) => (await mastersAt(index)).find(({ leading }) => leading)?.id)
    )
    expect(new Set(leaders).size).toBe(1)
  })

  it('lists them a page at a time', async () => {
    const [proxy] = proxies as [RunningService]

    const { masters, next } = await proxy.json<{ masters: Master[]; next: string }>('/api/v1/masters?limit=2')
    const rest = await proxy.json<{ masters: Master[]; next: null }>(`/api/v1/masters?limit=2&after=${next}`)

    expect([masters.map(({ id }) => id), next]).toEqual([['haproxy-0', 'haproxy-1'], 'haproxy-1'])
    expect([rest.masters.map(({ id }) => id), rest.next]).toEqual([['haproxy-2'], null])
  })

  it('shows on the page of one which other is behind and why, and that it has caught up', async () => {
    await using open = await browser.open(proxies[0]?.url ?? '')
    const { page } = open
    await eventually(async () => {
      for (const id of IDS) expect(await rowOf(page, id)).toContain('in line')
      expect(await rowOf(page, 'haproxy-0')).toContain('this one')
      expect(await page.locator('#fleet tbody', { hasText: 'leads' }).count()).toBe(1)
      return true
    }, 30_000)
    await eventually(async () => (await page.locator('#glance').innerText()).includes('3 in line'))

    await writeFile(templateOf(1), `${template(port)}\n{{ nothing.there }}`)

    await eventually(async () => {
      expect(await rowOf(page, 'haproxy-1')).toMatch(/behind\s+KTL_TEMPLATE_/)
      expect(await rowOf(page, 'haproxy-2')).toContain('in line')
      expect(await page.locator('#glance').innerText()).toContain('1 of 3 behind')
      return true
    }, 30_000)

    await writeFile(templateOf(1), `${template(port)}\n# another`)

    await eventually(async () => {
      const leads = (await mastersAt(0)).find(({ leading }) => leading)?.id
      // Seen from the leader, who is in line with itself.
      const other = leads === 'haproxy-1' ? 'haproxy-2' : 'haproxy-1'
      expect(await rowOf(page, other)).toContain('runs other than the leader')
      return true
    }, 30_000)

    await writeFile(templateOf(1), template(port))

    await eventually(async () => {
      for (const id of IDS) expect(await rowOf(page, id)).toContain('in line')
      return true
    }, 30_000)
    expect(open.complaints).toEqual([])
  })

  it('knows no more of one that was killed', async () => {
    await proxies[2]?.kill('SIGKILL')

    await eventually(async () => (await mastersAt(0)).every(({ id }) => id !== 'haproxy-2'), 30_000)
  })
})
