import { parseArgs } from 'node:util'
import { textDiff } from '../../src/haproxy/config/text-changes.ts'
import { tempDir } from '../support/temp-dir.ts'
import { replay, runChains, type Chains, type Judged } from './chains.ts'
import { CORPUS, reloadsOf, runCorpus, writeCorpusFiles } from './corpus.ts'
import { MUTATIONS, runMutation } from './mutations.ts'
import { runInProcesses, work } from './processes.ts'
import { sideBySide, type Trouble } from './side-by-side.ts'

/**
 * `tsx test/oracle/main.ts --pairs 5000 --seed 1`: as many pairs, in chains of their own seed each. `--replay`: that seed
 * alone. `--seconds`: no longer than that. `--stop`: until the first difference. `--corpus`: the whole corpus in place of
 * generated pairs. `--mutation`: one thing is taken out of a copy of the sources, and is to be found. `--jobs` chains are
 * judged side by side, by as many `--processes` together.
 */
const { values } = parseArgs({
  options: {
    pairs: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    seconds: { type: 'string', default: 'Infinity' },
    replay: { type: 'boolean', default: false },
    stop: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '4' },
    processes: { type: 'string', default: '1' },
    worker: { type: 'boolean', default: false },
    corpus: { type: 'boolean', default: false },
    mutation: { type: 'string' }
  }
})
const begun = performance.now()
/** No HAProxy is left behind. */
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (interrupted = true))
const seconds = (): number => (performance.now() - begun) / 1000

/** None of it counts as equal. */
const troubles: Trouble[] = []

if (values.worker) await work(Number(values.jobs))
else process.exitCode = (await passes()) && troubles.every(({ resolved }) => resolved) ? 0 : 1

async function passes(): Promise<boolean> {
  if (values.mutation !== undefined) return await findMutations(values.mutation)
  return values.corpus ? await compareCorpus() : await comparePairs()
}

function tellTrouble(trouble: Trouble): void {
  troubles.push(trouble)
  console.log(`trouble with ${trouble.job}, ${trouble.resolved ? 'not at the second try' : 'twice'}: ${trouble.cause}`)
}

function countTroubles(): string {
  return `${troubles.length} troubles of the harness, ${troubles.filter(({ resolved }) => !resolved).length} unresolved`
}

/** Whether every one was found. */
async function findMutations(name: string): Promise<boolean> {
  const lost: string[] = []
  for (const one of name === 'all' ? Object.keys(MUTATIONS) : [name]) {
    const many = ['--jobs', values.jobs, '--processes', values.processes]
    const args = ['--pairs', values.pairs ?? '500', '--seed', values.seed, '--seconds', values.seconds, ...many]
    const seed = await runMutation(one, args)
    // What differs without it too is a fault of its own, and says nothing of the mutation.
    const alone = seed !== undefined && (await replay(seed))
    if (alone) console.log(`seed ${seed} differs without ${one}, too`)
    if (seed === undefined || alone) lost.push(one)
  }
  console.log(lost.length === 0 ? 'every mutation was found' : `not found: ${lost.join(', ')}`)
  return lost.length === 0
}

/** Prints what takes a reload as pods come and go, with reasons. */
async function compareCorpus(): Promise<boolean> {
  await using files = await tempDir()
  await writeCorpusFiles(files.path)
  const left = [...CORPUS]
  const reloads: string[] = []
  let differences = 0
  await sideBySide(
    Number(values.jobs),
    () => (interrupted ? undefined : left.shift()),
    async (oracle, name) => {
      const steps = await runCorpus(oracle, name, files.path)
      const reasons = reloadsOf(steps)
      if (reasons.length > 0) reloads.push(`  ${name}: ${reasons.join('; ')}`)
      const found = steps.flatMap(({ step, differences }) => differences.map((words) => `${name}, ${step}: ${words}`))
      for (const words of found) console.log(words)
      differences += found.length
      return found.length === 0
    },
    tellTrouble
  )
  console.log([`${reloads.length} of ${CORPUS.length} reload when a pod joins or leaves:`, ...reloads].join('\n'))
  console.log(
    `oracle: ${CORPUS.length} configurations in ${seconds().toFixed(0)} s, ${differences} differences, ${countTroubles()}`
  )
  return differences === 0
}

async function comparePairs(): Promise<boolean> {
  const [wanted, first] = [Number(values.pairs ?? 1000), Number(values.seed)]
  console.log(`oracle: ${wanted} pairs from seed ${first}`)
  const totals: Record<string, number> = {}
  let pairs = 0
  let failures = 0
  let once = 0
  let seed = first
  const chains: Chains = {
    next: () => (chains.ended() || (values.replay && seed > first) ? undefined : seed++),
    ended: () => (values.stop && failures > 0) || pairs >= wanted || seconds() > Number(values.seconds) || interrupted,
    async take(judged) {
      const { report, again } = judged
      pairs += report.pairs
      for (const [outcome, count] of Object.entries(report.outcomes)) totals[outcome] = (totals[outcome] ?? 0) + count
      if (report.failure === undefined) return
      if (again) failures++
      else once++
      await tell(judged, pairs)
    },
    tell: tellTrouble
  }
  const [jobs, processes] = [values.replay ? 1 : Number(values.jobs), Number(values.processes)]
  await (processes > 1 && !values.replay ? runInProcesses(processes, jobs, chains) : runChains(jobs, chains))
  const counts = `${pairs} pairs, seeds ${first} to ${seed - 1}, in ${seconds().toFixed(0)} s`
  const found = `${failures} differ, ${once} differed once, ${countTroubles()}`
  console.log(`oracle: ${counts}, ${found}, ${JSON.stringify(totals)}`)
  return failures === 0
}

/** @param pairs so many were compared when it was found */
async function tell({ report: { seed, failure }, again }: Judged, pairs: number): Promise<void> {
  if (failure === undefined) return
  const { step, edits, before, after, verdict } = failure
  console.log(
    `\npair ${pairs}, seed ${seed}, step ${step} (${edits.join(', ')}): ${verdict.outcome} ${verdict.reasons.join('; ')}`
  )
  for (const difference of verdict.differences.slice(0, 6)) console.log(`  ${difference.slice(0, 400)}`)
  console.log(await textDiff(before, after))
  if (values.replay) console.log(after)
  console.log(again ? 'it differs again' : 'it does not differ again: the machine was too busy, or it is a race')
}
