import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { storm } from './storm.ts'

/** `npm run test:chaos -- --minutes 2 --seed 7 --masters 3`: one fault after the other, by a seed that replays their order. */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    slaves: { type: 'string', default: '150' },
    masters: { type: 'string', default: '1' },
    // A loaded machine takes longer for everything.
    patience: { type: 'string', default: '45' },
    only: { type: 'string', multiple: true, default: [] }
  }
})
const { seed, minutes, slaves, masters, only } = values
const log = join(tmpdir(), `chaos-${seed}.log`)
console.log(`chaos: seed ${seed}, ${minutes} minutes, ${slaves} slaves, ${masters} masters`)

const outcome = await storm({
  ...{ minutes: Number(minutes), seed: Number(seed), slaves: Number(slaves), masters: Number(masters) },
  ...{ only, log },
  patienceMs: Number(values.patience) * 1_000
})

const { faults, requests, lost, slowest, problems, notes } = outcome
console.log(
  `chaos: seed ${seed}: ${faults} faults, ${requests} requests, lost with their HAProxy: ${JSON.stringify(lost)}, ` +
    [`slowest ${slowest[0]} ${slowest[1]} ms`, ...notes].join(', ')
)
for (const problem of problems) console.log(`chaos: broken: ${problem}`)
if (problems.length > 0) console.log(`chaos: what the processes said: ${log}`)
process.exit(problems.length === 0 ? 0 : 1)
