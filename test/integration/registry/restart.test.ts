import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import type { Pod } from '../../../src/model/pod.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { runSubprocess } from '../../../src/platform/process/subprocess.ts'
import { LmdbStore } from '../../../src/registry/lmdb-store.ts'
import { Registry } from '../../../src/registry/registry.ts'
import { eventually } from '../../support/eventually.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { silentLogger } from '../../support/test-logger.ts'
import { registryLimits } from '../../support/registry/registry-limits.ts'

const createRegistry = (folder: string, ttlMs = 60_000): Registry =>
  new Registry({
    store: new LmdbStore(folder, silentLogger()),
    clock: systemClock,
    logger: silentLogger(),
    ttlMs,
    panicThreshold: 0.5,
    limits: registryLimits
  })

const ping = (key: string) => ({ app: 'web', id: `web-${key}`, ip: '10.0.0.1', key, role: 'server', payload: { key } })

/** Runs until it has printed `lines` lines about new pods, then kills it in the middle of its work. */
async function runAndKill(folder: string, prefix: string, lines: number): Promise<Map<string, number>> {
  const script = new URL('registry-process.ts', import.meta.url).pathname
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder, prefix], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const exit = once(child, 'exit')
  const up = new Map<string, number>()
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, key, seq] = line.split(' ')
    if (word === 'up') up.set(String(key), Number(seq))
    if (up.size >= lines) child.kill('SIGKILL')
  }
  expect((await exit)[1]).toBe('SIGKILL')
  return up
}

describe('Registry on an LMDB store', () => {
  it('knows pods, their order and the callback state after a restart', async () => {
    await using dir = await tempDir()
    const first = createRegistry(dir.file('registry'))
    await first.open()
    for (const key of ['c', 'a', 'b']) await first.keepalive(ping(key))
    await first.keepalive({ ...ping('a'), payload: { changed: true } })
    await first.keepalive({ ...ping('c'), down: true })
    await first.saveCallbackRun({ digest: 'aa', state: '{"md5":"aa"}' }, 0)
    const before = first.snapshot()
    await first.close()

    const second = createRegistry(dir.file('registry'))
    await second.open()
    expect(second.snapshot()).toEqual(before)
    expect(second.snapshot().pods.map(({ key, seq }: Pod) => [key, seq])).toEqual([
      ['a', 1],
      ['b', 2]
    ])
    expect(second.callbackState()).toBe('{"md5":"aa"}')
    await second.keepalive(ping('c'))
    expect(second.snapshot().pods.at(-1)).toMatchObject({ key: 'c', seq: 3 })
    await second.close()
  })

  it('tells two apps on the address of one host apart after a restart too', async () => {
    await using dir = await tempDir()
    const [web, db] = ['web', 'db'].map((app) => ({ ...ping('host'), app }))
    const both = async (registry: Registry): Promise<void> => {
      for (const said of [web, db]) if (said !== undefined) await registry.keepalive(said)
    }
    const first = createRegistry(dir.file('registry'))
    await first.open()
    await both(first)
    await both(first)
    const before = first.snapshot()
    expect(before.pods.map(({ app, key }) => [app, key])).toEqual([
      ['db', 'host'],
      ['web', 'host.web']
    ])
    await first.close()

    const second = createRegistry(dir.file('registry'))
    await second.open()
    await both(second)
    expect(second.snapshot()).toEqual(before)
    await second.close()
  })

  it('drops pods from the store when they expire, in real time', async () => {
    await using dir = await tempDir()
    const first = createRegistry(dir.file('registry'), 300)
    await first.open()
    await first.keepalive(ping('a'))
    await eventually(() => first.size === 0)
    await first.close()

    const second = createRegistry(dir.file('registry'))
    await second.open()
    expect(second.size).toBe(0)
    await second.close()
  })

  it('loses no recorded pod and no number when it is killed in the middle of its work, again and again', async () => {
    await using dir = await tempDir()
    const folder = dir.file('registry')
    const told = new Map<string, number>()
    for (const prefix of ['x', 'y', 'z']) {
      for (const [key, seq] of await runAndKill(folder, prefix, 300)) told.set(key, seq)

      const registry = createRegistry(folder)
      await registry.open()
      const known = new Map(registry.snapshot().pods.map(({ key, seq }) => [key, seq]))
      // The process drops each pod whose key ends in -0 after it was recorded.
      const lost = [...told].filter(([key, seq]) => !key.endsWith('-0') && known.get(key) !== seq)
      expect(lost).toEqual([])
      expect(JSON.parse(registry.callbackState() ?? 'null')).toHaveProperty('round')
      const seqs = [...known.values(), ...[...told].filter(([key]) => !known.has(key)).map(([, seq]) => seq)]
      expect(new Set(seqs).size).toBe(seqs.length)
      await registry.close()
    }
  })

  it('goes on with the pods it has when the disk is full, refuses new ones, and says so', async () => {
    await using dir = await tempDir()
    const script = new URL('full-disk-process.ts', import.meta.url).pathname
    const { stdout } = await runSubprocess(
      'bash',
      // No file may grow beyond 2000 KiB.
      ['-c', 'ulimit -f 2000; exec "$@"', 'bash', process.execPath, '--import', 'tsx', script, dir.file('registry')],
      { timeoutMs: 50_000, env: process.env }
    )
    const told = JSON.parse(stdout) as { refused: string; before: number; after: number; payload: string }

    expect(told.refused).toBe('KTL_STORE_UNAVAILABLE')
    expect(told.before).toBeGreaterThan(50)
    expect(told).toMatchObject({ after: told.before - 1, payload: 'changed' })

    const registry = createRegistry(dir.file('registry'))
    await registry.open()
    expect(registry.size).toBeGreaterThanOrEqual(told.after)
    await registry.keepalive(ping('new'))
    await registry.close()
  })
})
