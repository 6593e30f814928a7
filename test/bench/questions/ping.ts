import { tempDir } from '../../support/temp-dir.ts'
import { admit, keepaliveOf, openRegistry } from '../../support/load/known-pods.ts'
import { figure, median, NONE, spread } from '../figures.ts'
import type { Options, Table } from '../table.ts'

const ROUNDS = 9
const APPS = 50

function heap(): number {
  if (globalThis.gc === undefined) throw new Error('node needs --expose-gc')
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

interface Registered {
  pods: number
  /** Nanoseconds of a repeated keepalive, by rounds. */
  pingNs: number[]
  /** Microseconds until a new pod is recorded. */
  admitUs: number
  /** Bytes on the heap. */
  podBytes: number
}

async function measure(pods: number, pings: number): Promise<Registered> {
  await using dir = await tempDir()
  const registry = await openRegistry(dir.path)
  const all = Array.from({ length: pods }, (_, pod) => keepaliveOf(pod, APPS))
  const before = heap()
  const started = performance.now()
  await admit(registry, all)
  const admitUs = ((performance.now() - started) * 1000) / pods
  if (registry.snapshot().pods.length !== pods) throw new Error(`the registry has not all ${pods} pods`)
  const podBytes = (heap() - before) / pods
  // Always over as few pods, so that the figures differ by the size of the registry and not by the caches of the processor.
  const few = all.slice(0, 10)
  const pingNs = Array.from({ length: ROUNDS }, () => {
    const start = process.hrtime.bigint()
    for (let done = 0; done < pings; done += few.length) for (const keepalive of few) void registry.keepalive(keepalive)
    return Number(process.hrtime.bigint() - start) / pings
  })
  await registry.close()
  return { pods, pingNs, admitUs, podBytes }
}

/** What a keepalive costs the registry alone. */
export async function ping({ quick }: Options): Promise<Table[]> {
  const sizes = quick ? [10, 100] : [10, 1_000, 100_000]
  const found: Registered[] = []
  for (const pods of sizes) found.push(await measure(pods, quick ? 1_000 : 200_000))
  const base = median(found[0]?.pingNs ?? [])
  return [
    {
      title: 'The registry alone',
      text: `What a repeated keepalive costs once it is parsed, and what a pod costs when it is new: as time until it is
recorded (a thousand join together) and as bytes of the heap, with a small payload. No HTTP, no disk but the registry's own.`,
      columns: ['known pods', 'repeated keepalive, ns', 'to the first row', 'new pod, µs', 'heap, bytes a pod'],
      rows: found.map(({ pods, pingNs, admitUs, podBytes }) => [
        pods.toLocaleString('en-US'),
        spread(pingNs),
        figure(median(pingNs) / base),
        figure(admitUs),
        pods < 1_000 ? NONE : figure(podBytes)
      ])
    }
  ]
}
