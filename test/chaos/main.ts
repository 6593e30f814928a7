import { Agent } from 'node:http'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { haproxyPaths } from '../../src/haproxy/files/paths.ts'
import { runSubprocess } from '../../src/platform/subprocess.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { ownAddress } from '../support/start-haproxy.ts'
import { createService } from '../support/start-service.ts'
import { startLoad } from '../support/steady-load.ts'
import { faults, firstTemplate } from './faults.ts'
import { Fleet } from './fleet.ts'
import { footprint, isWell, type World } from './world.ts'

/** `npm run test:chaos -- --minutes 2 --seed 7`: one fault after the other, by a seed that replays their order. */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    slaves: { type: 'string', default: '150' },
    // A loaded machine takes longer for everything.
    patience: { type: 'string', default: '45' }
  }
})
const [minutes, seed, slaves, patienceMs] = [
  Number(values.minutes),
  Number(values.seed),
  Number(values.slaves),
  Number(values.patience) * 1000
]
const BACKENDS = 20
const random = new SeededRandom(seed)
console.log(`chaos: seed ${seed}, ${minutes} minutes, ${slaves} slaves`)

const service = await createService({
  env: { KONTROL_TTL: '6', KONTROL_DAMPER: '0.2', KONTROL_RELOAD_INTERVAL: '0.5' }
})
// A disk of its own, to be filled.
await mount(['-t', 'tmpfs', '-o', 'size=64m', 'none', service.data])
const fleet = new Fleet({ service, backends: BACKENDS, idle: slaves - BACKENDS, ttlMs: 6_000 })
await fleet.start()
const address = ownAddress()
const template = join(service.data, 'template')
service.setEnvironment({ KONTROL_CONFIG_FILE: template })
const world: World = { service, fleet, template, address, load: { served: () => 0, failures: [] } as never }
await writeFile(template, firstTemplate(world))
await service.start()
await isWell(world, patienceMs)
world.load = startLoad(address, 8080)
const kept = startLoad(address, 8080, new Agent({ keepAlive: true }))

const before = await footprint(world)
const lost: Record<string, number> = {}
const problems: string[] = []
let [struck, slowestMs] = [0, 0]
const end = performance.now() + minutes * 60_000
while (performance.now() < end && problems.length === 0) {
  const [name, { cuts, strike }] = random.pick(Object.entries(faults))
  const failed = () => world.load.failures.length + kept.failures.length
  const failedBefore = failed()
  struck++
  try {
    await strike(world, random)
    const healing = performance.now()
    await isWell(world, patienceMs)
    const tookMs = Math.round(performance.now() - healing)
    slowestMs = Math.max(slowestMs, tookMs)
    const failures = failed() - failedBefore
    console.log(`chaos: ${String(struck).padStart(3)} ${name}: well after ${tookMs} ms, ${failures} requests failed`)
    if (failures > 0 && cuts) lost[name] = (lost[name] ?? 0) + failures
    if (failures > 0 && !cuts) {
      const reasons = [...world.load.failures.slice(-failures), ...kept.failures.slice(-failures)]
      problems.push(`${name}: ${failures} requests failed: ${[...new Set(reasons)].join('; ')}`)
    }
  } catch (error) {
    problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
const after = await footprint(world).catch(() => before)
if (after.descriptors > before.descriptors + 30) {
  problems.push(`descriptors: ${before.descriptors} before, ${after.descriptors} after`)
}
const requests = world.load.served() + kept.served()
await world.load[Symbol.asyncDispose]()
await kept[Symbol.asyncDispose]()
await fleet[Symbol.asyncDispose]()
if (problems.length > 0) {
  console.log(service.output.slice(-20_000))
  console.log((await readFile(haproxyPaths(service.data).log, 'utf8').catch(() => '')).slice(-6_000))
}
await service[Symbol.asyncDispose]().catch(() => {})
await runSubprocess('umount', ['-l', service.data], { env: process.env })

console.log(
  `chaos: seed ${seed}: ${struck} faults, ${requests} requests, lost with their HAProxy: ${JSON.stringify(lost)}, ` +
    `slowest ${slowestMs} ms, descriptors ${before.descriptors} → ${after.descriptors}, RSS ${before.rssMb} → ${after.rssMb} MB`
)
for (const problem of problems) console.log(`chaos: broken: ${problem}`)
process.exit(problems.length === 0 ? 0 : 1)

async function mount(args: string[]): Promise<void> {
  const { code, stderr } = await runSubprocess('mount', args, { env: process.env })
  if (code !== 0) throw new Error(`mount: ${stderr}`)
}
