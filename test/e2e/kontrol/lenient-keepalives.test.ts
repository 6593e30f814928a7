import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startEtcd } from '../../support/neighbours/start-etcd.ts'
import { startService, type RunningService } from '../../support/service/start-service.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { NpmZerorpcClient } from '../../support/zerorpc/zerorpc-clients.ts'

const BOM = '\uFEFF'

const hostsOf = async (service: RunningService, app = 'web'): Promise<string[]> =>
  (await service.json<{ hosts: Record<string, string[]> }>('/api/v1/hosts')).hosts[app] ?? []

/** A keepalive of the original, with an id that Python wrote as a number. */
const numeric = (n: number, change = {}): string =>
  JSON.stringify({ app: 'web', id: 12_345 + n, ip: `10.0.0.${n}`, key: `k${n}`, role: '', payload: '', ...change })

/** The two ways in; each gives whether the sender was told that it was taken. */
function waysInto(service: RunningService) {
  const client = new NpmZerorpcClient(service.port)
  return {
    HTTP: async (text: string, type = 'application/json') =>
      (await service.send('PUT', '/ping', text, { 'content-type': type })).status === 200,
    ZeroRPC: async (text: string) => (await client.call('ping', text)) === null,
    [Symbol.dispose]: () => client.close()
  }
}

describe('keepalives that the original took', () => {
  it('are taken over both wires: numeric ids, an empty role, a byte order mark, any content type', async () => {
    await using service = await startService()
    using ways = waysInto(service)
    const types = ['json', 'text', 'application/json,', '']

    for (const [n, type] of types.entries()) expect(await ways.HTTP(BOM + numeric(n + 1), type)).toBe(true)
    expect(await ways.ZeroRPC(BOM + numeric(5))).toBe(true)

    expect(await hostsOf(service)).toEqual([1, 2, 3, 4, 5].map((n) => `10.0.0.${n}`))
    const { pods } = await service.json<{ pods: { id: unknown; role: unknown }[] }>('/api/v1/pods')
    expect(pods.map(({ id, role }) => [id, role])).toEqual([1, 2, 3, 4, 5].map((n) => [String(12_345 + n), '']))

    // What cannot be told from another app's is refused, and told.
    expect(await ways.HTTP(numeric(6, { app: '' }))).toBe(false)
    await ways.ZeroRPC(numeric(7, { app: '' })).catch(() => undefined)
    await eventually(() => /"reason":"[^"]*app.*keepalive over ZeroRPC refused/.test(service.output))
    expect(await hostsOf(service)).toHaveLength(5)
  })

  it.each(['HTTP', 'ZeroRPC'] as const)('are told from the late goodbye of a former process, over %s', async (way) => {
    await using service = await startService()
    using ways = waysInto(service)
    const say = ways[way]

    for (const nonce of ['aaaa', 'bbbb']) expect(await say(numeric(1, { nonce }))).toBe(true)
    expect(await say(numeric(1, { nonce: 'aaaa', down: true }))).toBe(true)
    expect(await hostsOf(service)).toEqual(['10.0.0.1'])
    expect(await say(numeric(1, { nonce: 'bbbb', down: true }))).toBe(true)
    expect(await hostsOf(service)).toEqual([])
  })

  it('of one slave with a nonce for each of two masters are one change at each', async () => {
    await using folder = await tempDir()
    const [runs, callback] = [folder.file('runs'), folder.file('callback')]
    writeFileSync(callback, `#!/bin/sh\necho run >> ${runs}\necho '{}'\n`)
    chmodSync(callback, 0o755)
    await using etcd = await startEtcd()
    const env = { KONTROL_ETCD: etcd.hosts.join(','), KONTROL_DAMPER: '0.1', KONTROL_CALLBACK: callback }
    await using one = await startService({ env: { ...env, KONTROL_ID: 'one' } })
    await using other = await startService({ env: { ...env, KONTROL_ID: 'other' } })
    const tell = async (): Promise<void> => {
      await one.ping('10.0.0.1', { nonce: 'aaaa' })
      await other.ping('10.0.0.1', { nonce: 'bbbb' })
    }
    const digests = async () =>
      await Promise.all([one, other].map(async (it) => (await it.json<{ digest: string }>('/api/v1/hosts')).digest))
    const countRuns = () => (existsSync(runs) ? readFileSync(runs, 'utf8').split('\n').length - 1 : 0)

    await tell()
    await eventually(async () => (await Promise.all([one, other].map((it) => hostsOf(it)))).flat().length === 2)
    await tell()
    // Another pod comes behind them: with it all that they changed has been acted on.
    const marked = async (n: number): Promise<void> => {
      await one.ping(`10.0.0.${n}`)
      await eventually(async () => (await hostsOf(other)).includes(`10.0.0.${n}`))
    }
    await marked(2)
    await eventually(async () => new Set(await digests()).size === 1 && countRuns() > 0)
    const before = (await digests())[0]
    for (let i = 0; i < 10; i++) await tell()

    expect(await digests()).toEqual([before, before])
    const runsBefore = countRuns()
    await marked(3)
    await eventually(() => countRuns() > runsBefore)
    expect(countRuns()).toBeLessThanOrEqual(runsBefore + 2)
    for (const { output } of [one, other])
      expect(output.match(/"key":"10-0-0-1".*"msg":"pod changed"/g)?.length ?? 0).toBeLessThanOrEqual(1)
  }, 120_000)
})
