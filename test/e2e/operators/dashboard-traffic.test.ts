import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { webTemplate } from '../../support/haproxy/sample-template.ts'
import { shows, startBrowser, type RunningBrowser } from '../../support/neighbours/start-browser.ts'
import { startService, type RunningService } from '../../support/service/start-service.ts'

const PROXY = '127.0.0.31'
const PODS = ['127.0.0.32', '127.0.0.33']
/** So the rate follows from the connections, and not from what else the machine has to do. */
const [ANSWER_MS, CONNECTIONS] = [100, 20]

/** The requests a second that wrk counts; it takes longer than two looks at HAProxy. */
async function loadedRate(url: string): Promise<number> {
  const args = ['-t', '1', '-c', String(CONNECTIONS), '-d', '12s', url]
  const { stdout } = await promisify(execFile)('wrk', args)
  return Number(/^Requests\/sec: +([\d.]+)$/m.exec(stdout)?.[1])
}

async function slowServer(ip: string, port: number): Promise<Server> {
  const server = createServer((_request, response) => setTimeout(() => response.end(ip), ANSWER_MS))
  server.listen(port, ip)
  await once(server, 'listening')
  return server
}

describe('the dashboard of a proxy with traffic', () => {
  let browser: RunningBrowser
  let service: RunningService
  let servers: Server[]

  beforeAll(async () => {
    browser = await startBrowser()
    const port = await freePort('0.0.0.0')
    servers = await Promise.all(PODS.map((ip) => slowServer(ip, port)))
    const template = webTemplate(PROXY, port, 1000).replace(/server .*/, '$& check inter 200ms')
    service = await startService({ template, env: { KONTROL_TTL: '600' } })
    await service.ready()
    for (const ip of PODS) await service.ping(ip)
  })

  afterAll(async () => {
    await service[Symbol.asyncDispose]()
    for (const server of servers) server.close()
    await browser[Symbol.asyncDispose]()
  })

  it('shows the rate that wrk counts', async () => {
    await using open = await browser.open(service.url)
    await shows(open.page, '#backend-web', '2 servers')
    const shown: number[] = []
    await open.page.exposeFunction('onRate', (text: string) => shown.push(Number(text)))
    await open.page.evaluate(`new MutationObserver(() => onRate(document.getElementById('rate').innerText))
      .observe(document.getElementById('rate'), { childList: true, characterData: true, subtree: true })`)

    const rate = await loadedRate(`http://${PROXY}:8080/`)

    // The first look and the last one have a part of it each.
    const whole = await eventually(() => (shown.length >= 3 ? Math.max(...shown) : undefined))
    expect(whole).toBeGreaterThan(0.9 * rate)
    expect(whole).toBeLessThan(1.1 * rate)
    await shows(open.page, '#backend-web', '2 servers')
    expect(open.complaints).toEqual([])
  })

  it('names the backend all of whose servers were killed', async () => {
    await using open = await browser.open(service.url)
    await shows(open.page, '#sentence', 'All is well.')

    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }

    await shows(open.page, '#sentence', 'Clients get errors: the backend web has no server that takes requests.')
    expect(await open.page.locator('#health').getAttribute('data-level')).toBe('bad')
    await shows(open.page, '#backend-web', '2 down')
    await open.page.goto(`${service.url}/?proxy=backend-web`)
    const rows = open.page.getByRole('table', { name: 'Servers of web' }).getByRole('row')
    await eventually(async () => expect(await rows.count()).toBe(1 + PODS.length))
    const [heading = '', ...told] = await rows.allInnerTexts()
    expect(heading.split('\t').slice(0, 5)).toEqual(['Server', 'Address', 'Status', 'Since', 'Why'])
    for (const row of told) expect(row).toMatch(/DOWN\t\d+ s ago\tL4CON, Connection refused\t/)
  })

  it('drains the proxy once that is confirmed, and tells when it is over', async () => {
    await using open = await browser.open(service.url)
    const { page } = open

    await page.getByRole('button', { name: 'Drain this proxy' }).click()
    await page.getByRole('button', { name: 'Yes, drain this proxy' }).click()

    await shows(page, '#lifecycle .mark', 'shutdown')
    await eventually(async () => (await page.getByRole('button', { name: 'Drain this proxy' }).count()) === 0)
    await eventually(
      async () =>
        await fetch(`http://${PROXY}:8080/`).then(
          () => false,
          () => true
        )
    )
    expect(open.complaints).toEqual([])
  })
})
