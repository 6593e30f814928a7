/**
 * What a repeated keepalive costs with 10, 1,000 and 100,000 known pods, and
 * what a pod costs in memory. Run: node --expose-gc --import tsx test/bench/ping.ts
 */
import { cpus, totalmem } from 'node:os'
import { parseKeepalive, type Keepalive } from '../../src/model/keepalive.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { LmdbStore } from '../../src/registry/lmdb-store.ts'
import { Registry } from '../../src/registry/registry.ts'
import { tempDir } from '../support/temp-dir.ts'
import { silentLogger } from '../support/test-logger.ts'
import { registryLimits } from '../support/registry/registry-limits.ts'

const ROUNDS = 9
const PINGS = 200_000

const keepalives = (count: number): Keepalive[] =>
  Array.from({ length: count }, (_, i) =>
    parseKeepalive(
      JSON.parse(
        JSON.stringify({
          app: `app-${i % 50}`,
          id: `app-${i}`,
          ip: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
          key: `k${i.toString(36)}`,
          nonce: i.toString(16).padStart(16, '0'),
          payload: { eip: '203.0.113.7', zone: 'a' },
          role: 'server'
        })
      )
    )
  )

async function openRegistry(folder: string): Promise<Registry> {
  const registry = new Registry({
    store: new LmdbStore(folder, silentLogger()),
    clock: systemClock,
    logger: silentLogger(),
    ttlMs: 25_000,
    panicThreshold: 0.5,
    limits: registryLimits
  })
  await registry.open()
  return registry
}

/** Median nanoseconds of a repeated keepalive, over all pods in turn. */
function measurePing(registry: Registry, all: readonly Keepalive[]): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = process.hrtime.bigint()
    // Always over the same number of pods, so that the figures differ by the size of the registry and not by CPU caches.
    for (let i = 0; i < PINGS; i++) void registry.keepalive(all[i % 10] as Keepalive)
    return Number(process.hrtime.bigint() - start) / PINGS
  })
  return rounds.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] as number
}

const heap = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const rows = []
for (const count of [10, 1000, 100_000]) {
  await using dir = await tempDir()
  const registry = await openRegistry(dir.file('registry'))
  const all = keepalives(count)
  const before = heap()
  const started = performance.now()
  for (let i = 0; i < count; i += 1000) {
    await Promise.all(all.slice(i, i + 1000).map(async (said) => registry.keepalive(said)))
  }
  const admitUs = ((performance.now() - started) * 1000) / count
  const bytes = (heap() - before) / count
  rows.push({ pods: count, pingNs: measurePing(registry, all), admitUs, bytes })
  await registry.close()
}
const base = rows[0]?.pingNs ?? NaN
console.log(`${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`)
console.table(
  rows.map(({ pods, pingNs, admitUs, bytes }) => ({
    pods,
    'ping, ns': Math.round(pingNs),
    'ratio to 10 pods': (pingNs / base).toFixed(2),
    'admission, µs a pod': Math.round(admitUs),
    'heap, bytes a pod': globalThis.gc === undefined ? 'needs --expose-gc' : Math.round(bytes)
  }))
)
