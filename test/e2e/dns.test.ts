import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { Route53Double } from '../support/route53-double.ts'
import { startService, type RunningService } from '../support/start-service.ts'
import { tempDir, type TempDir } from '../support/temp-dir.ts'

const NAME = 'foo.bar.com'

/** A proxy that is its own master. */
function startProxy(double: Route53Double, env: NodeJS.ProcessEnv = {}): Promise<RunningService> {
  const annotations = {
    'haproxy.unity3d.com/config': 'frontend web\n  mode http\n  bind unix@{{ env.KONTROL_DATA }}/web.sock\n',
    'haproxy.unity3d.com/route53': NAME,
    // Leaving waits until resolvers have forgotten the proxy.
    'haproxy.unity3d.com/route53-ttl': '0',
    'kontrol.unity3d.com/master': '127.0.0.1'
  }
  return startService({
    env: {
      ...double.env,
      KONTROL_MODE: 'master,slave',
      KONTROL_EIP: '203.0.113.1',
      KONTROL_DAMPER: '0.1',
      KONTROL_TTL: '4',
      KONTROL_ANNOTATIONS: JSON.stringify(annotations),
      ...env
    }
  })
}

/** The slave of a second proxy, without an HAProxy, which would outlive it. */
async function startSlave(dir: TempDir, master: RunningService, ip: string, eip: string): Promise<RunningService> {
  await writeFile(dir.file(eip), JSON.stringify({ eip }))
  return startService({
    env: {
      KONTROL_MODE: 'slave',
      KONTROL_ID: `proxy-${eip}`,
      KONTROL_IP: ip,
      KONTROL_TTL: '4',
      KONTROL_PAYLOAD: dir.file(eip),
      KONTROL_ANNOTATIONS: JSON.stringify({ 'kontrol.unity3d.com/master': `127.0.0.1:${master.port}` })
    }
  })
}

const shows = (service: RunningService, ...addresses: string[]): Promise<unknown> =>
  eventually(async () => {
    const { body } = await service.get('/api/v1/dns')
    const { records } = JSON.parse(body) as { records: { found?: string[] }[] }
    if (records[0]?.found?.join() !== addresses.join()) throw new Error(`${body}\n${service.output}`)
    return true
  }, 20_000)

async function command(service: RunningService, line: string): Promise<string> {
  const socket = connect(join(service.data, 's'))
  await once(socket, 'connect')
  socket.end(`${line}\n`)
  return (await text(socket)).trim()
}

async function backends(service: RunningService): Promise<number> {
  const { hosts } = await service.json<{ hosts: Record<string, string[]> }>('/api/v1/hosts')
  return hosts.web?.length ?? 0
}

describe('the record follows the proxies, as processes', () => {
  it('one leaves gracefully, one is killed, and a hundred changes of the backends make no call', async () => {
    await using dir = await tempDir()
    await using double = await Route53Double.start()
    const zone = double.addZone('Z1', 'bar.com')
    await using first = await startProxy(double)
    await shows(first, '203.0.113.1')

    await using leaving = await startSlave(dir, first, '127.0.0.2', '203.0.113.2')
    await shows(first, '203.0.113.1', '203.0.113.2')
    await leaving.kill('SIGTERM')
    await shows(first, '203.0.113.1')

    await using killed = await startSlave(dir, first, '127.0.0.3', '203.0.113.3')
    await shows(first, '203.0.113.1', '203.0.113.3')
    await killed.kill('SIGKILL')
    await shows(first, '203.0.113.1')
    expect(zone.valuesOf(NAME, 'A')).toEqual(['203.0.113.1'])

    const looksAndChanges = (): number => double.calls.filter(({ operation }) => operation !== 'GetChange').length
    const before = looksAndChanges()
    for (let backend = 1; backend <= 100; backend++) expect(await first.ping(`10.0.0.${backend}`)).toBe(200)
    await eventually(async () => (await backends(first)) === 100)
    expect(looksAndChanges()).toBe(before)

    // One more proxy costs a look and a change: so the hundred before it cost nothing, not even late.
    await first.ping('127.0.0.9', { app: 'haproxy', payload: { eip: '203.0.113.9' } })
    await shows(first, '203.0.113.1', '203.0.113.9')
    expect(looksAndChanges()).toBe(before + 2)
  })

  it('a slave writes what an original master commands', async () => {
    await using double = await Route53Double.start()
    const zone = double.addZone('Z1', 'bar.com')
    await using slave = await startProxy(double, { KONTROL_MODE: 'slave' })
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
