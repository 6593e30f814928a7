import { FakeClock } from '../../support/fake-clock.ts'
import { admit, keepaliveOf, openRegistry } from '../../support/load/known-pods.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { median } from '../figures.ts'
import type { Point, Series } from './law.ts'

const [ROUNDS, PINGS, APPS] = [9, 50_000, 50]
const SWEEP_MS = 100

/** In megabytes. */
function heap(): number {
  if (globalThis.gc === undefined) throw new Error('node needs --expose-gc')
  globalThis.gc()
  return process.memoryUsage().heapUsed / 1e6
}

/** Milliseconds of the median round. */
const timed = (work: (round: number) => void): number =>
  median(
    Array.from({ length: ROUNDS }, (_, round) => {
      const start = performance.now()
      work(round)
      return performance.now() - start
    })
  )

interface Registered {
  pingNs: number
  heapMb: number
  sweepMs: number
  snapshotMs: number
}

/** The registry with so many pods of as many apps as ever. */
async function measure(pods: number): Promise<Registered> {
  await using dir = await tempDir()
  const clock = new FakeClock()
  const registry = await openRegistry(dir.path, clock)
  const before = heap()
  await admit(
    registry,
    Array.from({ length: pods }, (_, pod) => keepaliveOf(pod, APPS))
  )
  if (registry.snapshot().pods.length !== pods) throw new Error(`the registry has not all ${pods} pods`)
  const heapMb = heap() - before
  const few = Array.from({ length: 10 }, (_, pod) => keepaliveOf(pod, APPS))
  const pingMs = timed(() => {
    for (let sent = 0; sent < PINGS; sent += few.length) for (const said of few) void registry.keepalive(said)
  })
  const sweepMs = timed(() => clock.advance(SWEEP_MS))
  const snapshotMs = timed((round) => {
    void registry.keepalive({ ...keepaliveOf(0, APPS), payload: { round } })
    registry.snapshot()
  })
  await registry.close()
  return { pingNs: (pingMs * 1e6) / PINGS, heapMb, sweepMs, snapshotMs }
}

export type RegistrySeries = Record<keyof Registered, Series>

/** What a registry costs by the pods that it knows. */
export async function measureRegistry(sizes: readonly number[]): Promise<RegistrySeries> {
  const found: [number, Registered][] = []
  // What is called for the first time is compiled then.
  await measure(100)
  for (const pods of sizes) found.push([pods, await measure(pods)])
  const pointsOf = (key: keyof Registered): Point[] => found.map(([size, values]) => ({ size, value: values[key] }))
  const series = (key: keyof Registered, what: string, unit: string, power: Series['power']): Series => ({
    ...{ what, unit, power, of: 'pods' },
    points: pointsOf(key)
  })
  return {
    pingNs: series('pingNs', 'repeated keepalive, the registry alone', 'ns', 0),
    heapMb: series('heapMb', 'heap of all pods', 'MB', 1),
    sweepMs: series('sweepMs', 'look for silent pods', 'ms', 1),
    snapshotMs: series('snapshotMs', 'pods put in order after a change', 'ms', 1)
  }
}
