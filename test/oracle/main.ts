import { parseArgs } from 'node:util'
import { textDiff } from '../../src/haproxy/config/text-changes.ts'
import { runChain, startOracle, type ChainReport } from './run.ts'

const CHAIN = 5

/** `tsx test/oracle/main.ts --pairs 5000 --seed 1`: as many pairs, in chains of their own seed each; one seed replays. */
const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: process.env.ORACLE_PAIRS ?? '1000' },
    seed: { type: 'string', default: process.env.ORACLE_SEED ?? String(Date.now() % 1_000_000) },
    replay: { type: 'boolean', default: false },
    stop: { type: 'boolean', default: false }
  }
})
const [wanted, first] = [Number(values.pairs), Number(values.seed)]
console.log(`oracle: ${wanted} pairs from seed ${first}`)
const begun = performance.now()
const totals: Record<string, number> = {}
let pairs = 0
let failures = 0
let oracle = await startOracle()
for (let seed = first; pairs < wanted; seed++) {
  const report = await runChain(oracle, seed, CHAIN)
  pairs += report.pairs
  for (const [outcome, count] of Object.entries(report.outcomes)) totals[outcome] = (totals[outcome] ?? 0) + count
  if (report.failure !== undefined) {
    failures++
    tell(report)
    await oracle[Symbol.asyncDispose]()
    if (values.stop) break
    oracle = await startOracle()
  }
  if (values.replay) break
}
await oracle[Symbol.asyncDispose]()
const seconds = (performance.now() - begun) / 1000
console.log(`oracle: ${pairs} pairs in ${seconds.toFixed(0)} s, ${failures} differ, ${JSON.stringify(totals)}`)
process.exitCode = failures === 0 ? 0 : 1

function tell({ seed, failure }: ChainReport): void {
  if (failure === undefined) return
  const { step, edits, before, after, verdict } = failure
  console.log(`\nseed ${seed}, step ${step} (${edits.join(', ')}): ${verdict.outcome} ${verdict.reasons.join('; ')}`)
  for (const difference of verdict.differences.slice(0, 6)) console.log(`  ${difference.slice(0, 400)}`)
  console.log(textDiff(before, after))
  if (values.replay) console.log(after)
}
