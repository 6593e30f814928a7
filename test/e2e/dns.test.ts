import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { Route53Double } from '../support/dns/route53-double.ts'
import { shownRecord, startDnsProxy, startDnsSlave } from '../support/dns/start-dns-proxy.ts'
import type { RunningService } from '../support/service/start-service.ts'
import { tempDir } from '../support/temp-dir.ts'

const NAME = 'foo.bar.com'

const startProxy = (double: Route53Double, env: NodeJS.ProcessEnv = {}): Promise<RunningService> =>
  startDnsProxy({ '': NAME }, { ...double.env, ...env })

const shows = (service: RunningService, ...addresses: string[]): Promise<unknown> =>
  shownRecord(service, NAME, ({ found }) => found?.join() === addresses.join())

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

    await using leaving = await startDnsSlave(dir, first, '127.0.0.2', '203.0.113.2')
    await shows(first, '203.0.113.1', '203.0.113.2')
    await leaving.kill('SIGTERM')
    await shows(first, '203.0.113.1')

    await using killed = await startDnsSlave(dir, first, '127.0.0.3', '203.0.113.3')
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
