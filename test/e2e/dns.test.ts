import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { Route53Double } from '../support/dns/route53-double.ts'
import { shownRecord, startDnsProxy, startDnsSlave } from '../support/dns/start-dns-proxy.ts'
import { createService, type RunningService } from '../support/service/start-service.ts'
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

  it('a proxy that has nothing to serve yet is not in it, and one that comes back with its configuration is', async () => {
    await using dir = await tempDir()
    const template = dir.file('template')
    const good = 'frontend web\n  mode http\n  bind unix@{{ env.KONTROL_DATA }}/web.sock\n'
    await using double = await Route53Double.start()
    const zone = double.addZone('Z1', 'bar.com')
    // What is announced here by hand stays.
    await using first = await startProxy(double, { KONTROL_TTL: '600' })
    await shows(first, '203.0.113.1')
    await writeFile(template, `${good}  no such keyword\n`)
    await using second = await createService({
      env: {
        KONTROL_MODE: 'slave',
        KONTROL_ID: 'second',
        KONTROL_IP: '127.0.0.2',
        KONTROL_TTL: '4',
        KONTROL_EIP: '203.0.113.2',
        KONTROL_CONFIG_FILE: template,
        KONTROL_ANNOTATIONS: JSON.stringify({ 'kontrol.unity3d.com/master': `127.0.0.1:${first.port}` })
      }
    })
    const proxies = async (): Promise<unknown[]> =>
      (await first.json<{ pods: { id: string }[] }>('/api/v1/pods?app=haproxy')).pods.map(({ id }) => id)

    await second.start()

    await eventually(() => second.output.includes('KTL_HAPROXY_CONFIG_REJECTED'))
    await eventually(async () => (await proxies()).includes('second'))
    // A proxy that came after it is in the record, and it is not.
    await first.ping('127.0.0.9', { app: 'haproxy', payload: { eip: '203.0.113.9' } })
    await shows(first, '203.0.113.1', '203.0.113.9')
    expect(zone.valuesOf(NAME, 'A')).not.toContain('203.0.113.2')
    await writeFile(template, good)
    expect(await command(second, 'WAIT render')).toBe('OK')
    await shows(first, '203.0.113.1', '203.0.113.2', '203.0.113.9')

    await second.kill('SIGTERM')
    await shows(first, '203.0.113.1', '203.0.113.9')
    await writeFile(template, `${good}  no such keyword\n`)
    await rm(join(second.data, 'state.json'))
    await second.start()

    await shows(first, '203.0.113.1', '203.0.113.2', '203.0.113.9')
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
