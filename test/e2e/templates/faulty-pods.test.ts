import { describe, expect, it } from 'vitest'
import { request } from 'undici'
import { RuntimeApi } from '../../../src/haproxy/socket/runtime-api.ts'
import { haproxyPaths } from '../../../src/haproxy/files/paths.ts'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend } from '../../support/haproxy/http-backend.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { startService, type RunningService } from '../../support/service/start-service.ts'

/** Reads payloads as templates in the wild do: with defaults, by arithmetic, and as they come. */
const template = (address: string, port: number): string => `defaults
  mode http
  timeout client 5s
  timeout connect 1s
  timeout server 5s
frontend front
  bind ${address}:8080
  default_backend web
backend web
{%- for pod in pods.web %}
{%- set weight = pod.payload.weight %}
  server {{ pod.key }} {{ pod.ip }}:{{ pod.payload.port|default(${port}) }}
  {{- ' weight %d' % (weight + 1) if weight is not none and weight is defined }}
{%- endfor %}
`

/** What goes wrong with each, in the words of the alarm. */
const FAULTY: readonly [string, unknown, RegExp][] = [
  ['a text where the template counts', { weight: 'x' }, /line 13.*TypeError/],
  ['a list where the template counts', { weight: [1] }, /line 13.*TypeError/],
  ['a port beyond all', { port: 99_999 }, /invalid port|port/i],
  ['a port that is a word', { port: 'x' }, /port/i],
  ['a weight beyond all', { weight: 5_000 }, /weight/i],
  ['everything wrong', { weight: {}, port: [null] }, /line 13/]
]

const HARMLESS: readonly [string, unknown][] = [
  ['null for a weight', { weight: null }],
  ['null for a payload', null],
  ['no payload', undefined],
  ['a number for a payload', 7],
  ['a text for a payload', 'text'],
  ['numbers beyond all', { n: 1e300, nan: 'NaN', list: [[[]]] }]
]

/** The addresses that HAProxy itself says it sends requests to. */
async function serversOf(service: RunningService): Promise<string[]> {
  const api = new RuntimeApi(haproxyPaths(service.data).runtimeSocket)
  const states = await api.serversState(await api.workerPid(), ['web'])
  return states.filter(({ administrative }) => (administrative & 9) === 0).map(({ address }) => address)
}

describe('a pod that no configuration can be made with', () => {
  it('is named and left out, whatever is wrong with it, and changes of the others go on', async () => {
    await using web = await startHttpBackend('hello', '0.0.0.0')
    const address = ownAddress()
    await using service = await startService({
      template: template(address, web.port),
      env: { KONTROL_DAMPER: '0.2', KONTROL_RELOAD_INTERVAL: '0.1' }
    })
    const addresses = new Map<string, string>()
    const ping = async (key: string, payload: unknown, more = {}): Promise<void> => {
      const ip = addresses.get(key) ?? `127.0.1.${addresses.size + 1}`
      addresses.set(key, ip)
      expect(await service.ping(ip, { id: key, key, nonce: key, payload, ...more })).toBe(200)
    }
    const has = (keys: readonly string[]) =>
      eventually(async () => {
        const found = (await serversOf(service)).sort()
        expect(found).toEqual(keys.map((key) => addresses.get(key)).sort())
        return true
      }, 30_000)
    const served = ['first']
    await ping('first', {})
    await service.ready()

    for (const [index, [, payload]] of HARMLESS.entries()) {
      await ping(`h${index}`, payload)
      served.push(`h${index}`)
      await has(served)
    }
    for (const [index, [, payload]] of FAULTY.entries()) {
      await ping(`f${index}`, payload)
      await ping(`after${index}`, {})
      served.push(`after${index}`)
      await has(served)
    }
    expect(await (await request(`http://${address}:8080/`)).body.text()).toBe('hello')
    expect((await service.get('/readyz')).status).toBe(200)
    const { body: metrics } = await service.get('/metrics')
    expect(metrics).toContain(`kontrol_pods_left_out ${FAULTY.length}\n`)
    expect(metrics).toContain(`kontrol_alarms_total{code="KTL_POD_FAULTY"} ${FAULTY.length}\n`)
    for (const [index, [, , reason]] of FAULTY.entries()) {
      const line = service.output.split('\n').find((text) => text.includes(`"key":"f${index}","failure"`)) ?? ''
      expect(line).toContain('KTL_POD_FAULTY')
      expect(line).toMatch(reason)
    }

    // Servers still come and go without a reload.
    const reloads = () => service.json<{ reloads: number }>('/api/v1/haproxy')
    const before = await reloads()
    await ping('late', {})
    await has([...served, 'late'])
    expect((await reloads()).reloads).toBe(before.reloads)

    // One is mended, one leaves; a new process finds the rest.
    await ping('f0', { weight: 1 })
    await ping('f1', { weight: [1] }, { down: true })
    await has([...served, 'late', 'f0'])
    await service.kill('SIGKILL')
    await service.start()
    await service.ready()
    await ping('again', {})
    await has([...served, 'late', 'f0', 'again'])
    await eventually(async () =>
      (await service.get('/metrics')).body.includes(`kontrol_pods_left_out ${FAULTY.length - 2}\n`)
    )
  }, 180_000)
})
