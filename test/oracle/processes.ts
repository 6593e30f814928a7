import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { runChains, type Chains, type Judged } from './chains.ts'
import { SHARE } from './own-place.ts'
import type { Trouble } from './side-by-side.ts'

/** What a process asks for and tells. */
type FromWorker = { ask: true } | { judged: Judged } | { trouble: Trouble }
type ToWorker = { seed: number | undefined } | { ended: true }

const LOOK_MS = 300

/** Shares chains out among processes: one alone has less than one core. */
export async function runInProcesses(count: number, jobs: number, chains: Chains): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const share = Math.ceil((jobs - index) / count)
      const env = { ...process.env, [SHARE]: `${index}/${count}` }
      await feed(fork(process.argv[1] ?? '', ['--worker', '--jobs', String(share)], { env }), chains)
    })
  )
}

async function feed(worker: ChildProcess, chains: Chains): Promise<void> {
  const seeds = new Set<number>()
  const say = (message: ToWorker): boolean => worker.connected && worker.send(message)
  const take = async (message: FromWorker): Promise<void> => {
    if ('ask' in message) {
      const seed = await chains.next()
      if (seed !== undefined) seeds.add(seed)
      say({ seed })
    } else if ('judged' in message) {
      seeds.delete(message.judged.report.seed)
      await chains.take(message.judged)
    } else {
      seeds.delete(Number(message.trouble.job))
      chains.tell(message.trouble)
    }
  }
  // One after the other, as they came.
  let work = Promise.resolve()
  worker.on('message', (message) => {
    work = work.then(async () => await take(message as FromWorker))
  })
  const watch = setInterval(() => {
    if (chains.ended()) say({ ended: true })
  }, LOOK_MS)
  // Only then all that it said has come.
  const gone = once(worker, 'disconnect')
  const [code, signal] = (await once(worker, 'exit')) as [number | null, string | null]
  await gone
  clearInterval(watch)
  await work
  const cause = `its process ended with ${signal ?? code}`
  for (const seed of seeds) chains.tell({ job: String(seed), cause, resolved: false })
  if (code !== 0) console.log(`a process of the oracle ended with ${signal ?? code}`)
}

/** In such a process. */
export async function work(jobs: number): Promise<void> {
  const waiting: ((seed: number | undefined) => void)[] = []
  let ended = false
  const end = (): void => {
    ended = true
    for (const go of waiting.splice(0)) go(undefined)
  }
  process.on('message', (message: ToWorker) => {
    if ('ended' in message) end()
    else waiting.shift()?.(message.seed)
  })
  // Whoever began it is gone, and no HAProxy is left behind.
  process.once('disconnect', end)
  // Of a terminal, for all of the group: the parent says when.
  process.on('SIGINT', () => {})
  const say = (message: FromWorker): void => void (process.connected && process.send?.(message))
  await runChains(jobs, {
    next: async () => {
      if (ended) return undefined
      say({ ask: true })
      return await new Promise((resolve) => waiting.push(resolve))
    },
    ended: () => ended,
    take: (judged) => say({ judged }),
    tell: (trouble) => say({ trouble })
  })
  if (process.connected) process.disconnect()
}
