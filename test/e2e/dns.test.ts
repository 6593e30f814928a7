import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { Route53Double } from '../support/route53-double.ts'
import { startService, type RunningService } from '../support/start-service.ts'

const NAME = 'foo.bar.com'
const TEMPLATE = 'frontend web\n  bind unix@{{ env.KONTROL_DATA }}/web.sock\n  mode http\n'

interface ProxyOptions {
  ip: string
  eip: string
  master?: string
  env?: NodeJS.ProcessEnv
}

const annotations = (more: Record<string, string>): string =>
  JSON.stringify({ 'haproxy.unity3d.com/config': TEMPLATE, 'haproxy.unity3d.com/route53': NAME, ...more })

/** A proxy that is master and slave, or a slave of another one. */
function startProxy(
  double: Route53Double,
  { ip, eip, master = '127.0.0.1', env }: ProxyOptions
): Promise<RunningService> {
  return startService({
    env: {
      ...double.env,
      KONTROL_MODE: 'master,slave',
      KONTROL_ID: `proxy-${eip}`,
      KONTROL_IP: ip,
      KONTROL_EIP: eip,
      KONTROL_DAMPER: '0.1',
      KONTROL_TTL: '4',
      KONTROL_ANNOTATIONS: annotations({ 'kontrol.unity3d.com/master': master }),
      ...env
    }
  })
}

const shows = (double: Route53Double, service: RunningService, ...addresses: string[]): Promise<unknown> =>
  eventually(async () => {
    const { body } = await service.get('/api/v1/dns')
    const { records } = JSON.parse(body) as { records: { found?: string[]; lastError?: unknown }[] }
    if (records[0]?.found?.join() !== addresses.join()) throw new Error(`${body}\n${service.output}`)
    return double.calls.length > 0
  }, 20_000)

async function command(service: RunningService, line: string): Promise<string> {
  const socket = connect(join(service.data, 's'))
  await once(socket, 'connect')
  socket.end(`${line}\n`)
  return (await text(socket)).trim()
}

describe('the record follows the proxies, as processes', () => {
  it('one leaves gracefully, one is killed, and a hundred changes of the backends make no call', async () => {
    await using double = await Route53Double.start()
    const zone = double.addZone('Z1', 'bar.com')
    await using first = await startProxy(double, { ip: '127.0.0.1', eip: '203.0.113.1' })
    await shows(double, first, '203.0.113.1')

    const slave = {
      ip: '127.0.0.2',
      eip: '203.0.113.2',
      master: `127.0.0.1:${first.port}`,
      env: { KONTROL_MODE: 'slave' }
    }
    await using leaving = await startProxy(double, slave)
    await shows(double, first, '203.0.113.1', '203.0.113.2')

    await leaving.kill('SIGTERM')
    await shows(double, first, '203.0.113.1')

    await using killed = await startProxy(double, { ...slave, ip: '127.0.0.3', eip: '203.0.113.3' })
    await shows(double, first, '203.0.113.1', '203.0.113.3')
    await killed.kill('SIGKILL')
    await shows(double, first, '203.0.113.1')
    expect(zone.valuesOf(NAME, 'A')).toEqual(['203.0.113.1'])

    const changes = (): number => double.calls.filter(({ operation }) => operation !== 'GetChange').length
    const before = changes()
    for (let backend = 1; backend <= 100; backend++) expect(await first.ping(`10.0.0.${backend}`)).toBe(200)
    await eventually(async () => Object.keys(await hosts(first)).length === 100)
    expect(changes()).toBe(before)

    // One more proxy costs a look and a change: so the hundred before it cost nothing, not even late.
    await first.ping('127.0.0.9', { app: 'haproxy', payload: { eip: '203.0.113.9' } })
    await shows(double, first, '203.0.113.1', '203.0.113.9')
    expect(changes()).toBe(before + 2)
  })

  it('a slave writes what an original master commands', async () => {
    await using double = await Route53Double.start()
    const zone = double.addZone('Z1', 'bar.com')
    await using slave = await startProxy(double, {
      ip: '127.0.0.1',
      eip: '203.0.113.1',
      env: { KONTROL_MODE: 'slave' }
    })
    await slave.ready()

    for (const [line, address] of [
      [`WAIT expose-via-route53 '["1.2.3.4"]'`, '1.2.3.4'],
      ['WAIT expose-via-route53 ["1.2.3.5"]', '1.2.3.5']
    ] as const) {
      expect(await command(slave, line)).toBe('OK')
      expect(zone.valuesOf(NAME, 'A')).toEqual([address])
    }
  })
})

async function hosts(service: RunningService): Promise<string[]> {
  const { hosts } = await service.json<{ hosts: Record<string, string[]> }>('/api/v1/hosts')
  return hosts.web ?? []
}
