import { Agent } from 'node:http'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { haproxyPaths } from '../../src/haproxy/files/paths.ts'
import { messageOf } from '../../src/errors.ts'
import { command } from '../support/service/command.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { ownAddress } from '../support/haproxy/start-haproxy.ts'
import { createService } from '../support/service/start-service.ts'
import { startLoad } from '../support/load/steady-load.ts'
import { faults, firstTemplate, TTL_MS, type Fault } from './faults.ts'
import { Fleet } from './fleet.ts'
import { noOutcome, type Outcome, type StormOptions } from './outcome.ts'
import { footprint, isWell, type Footprint, type World } from './world.ts'

/** Real web servers among the slaves. */
const BACKENDS = 20
/** Between two requests of one client: more of them would only take the processors from who is watched. */
const PAUSE_MS = 10
const MAX_MORE_DESCRIPTORS = 30

/** One control tier with its HAProxy, and one fault after the other: by the seed, which replays their order. */
export async function storm(options: StormOptions): Promise<Outcome> {
  const { minutes, seed, slaves, patienceMs, only, log } = options
  const chosen = Object.entries(faults).filter(([name]) => only.length === 0 || only.includes(name))
  if (chosen.length === 0) throw new Error(`no such fault; there are: ${Object.keys(faults).join(', ')}`)
  const random = new SeededRandom(seed)
  await using service = await createService({
    env: { KONTROL_TTL: String(TTL_MS / 1000), KONTROL_DAMPER: '0.2', KONTROL_RELOAD_INTERVAL: '0.5' }
  })
  await using disk = await diskAt(service.data)
  await using fleet = new Fleet({ service, backends: BACKENDS, idle: slaves - BACKENDS, ttlMs: TTL_MS })
  await fleet.start()
  const template = join(disk.path, 'template')
  service.setEnvironment({ KONTROL_CONFIG_FILE: template })
  const world: World = { service, fleet, template, address: ownAddress() }
  await writeFile(template, firstTemplate(world))
  await service.start()
  await isWell(world, patienceMs)

  await using load = startBothLoads(world.address)
  const before = await footprint(world)
  const outcome = noOutcome()
  const end = performance.now() + minutes * 60_000
  while (performance.now() < end && outcome.problems.length === 0) {
    const [name, fault] = random.pick(chosen)
    await oneFault(name, fault, { world, random, load, outcome, patienceMs })
  }
  outcome.requests = load.asked()
  compare(before, await footprint(world).catch(() => before), outcome)
  await writeFile(log, service.output)
  await appendFile(log, await readFile(haproxyPaths(service.data).log, 'utf8').catch(() => ''))
  return outcome
}

interface Run {
  world: World
  random: SeededRandom
  load: BothLoads
  outcome: Outcome
  patienceMs: number
}

async function oneFault(name: string, { cuts, strike }: Fault, run: Run): Promise<void> {
  const { world, random, load, outcome, patienceMs } = run
  load.failures()
  outcome.faults++
  try {
    await strike(world, random)
    const healing = performance.now()
    await isWell(world, patienceMs)
    const tookMs = Math.round(performance.now() - healing)
    if (tookMs > outcome.slowest[1]) outcome.slowest = [name, tookMs]
    const failures = load.failures()
    const number = String(outcome.faults).padStart(3)
    console.log(`chaos: ${number} ${name}: well after ${tookMs} ms, ${failures.length} requests failed`)
    if (failures.length === 0) return
    if (cuts === 'all' || (cuts === 'waiting' && couldWait(failures))) {
      outcome.lost[name] = (outcome.lost[name] ?? 0) + failures.length
    } else outcome.problems.push(`${name}: ${failures.length} requests failed: ${[...new Set(failures)].join('; ')}`)
  } catch (error) {
    outcome.problems.push(`${name}: ${messageOf(error)}`)
  }
}

/** As many as there are clients, each of which asks for one thing at a time. */
const couldWait = (failures: readonly string[]): boolean =>
  failures.length <= 6 && failures.every((failure) => /ECONNRESET|socket hang up/.test(failure))

function compare(before: Footprint, after: Footprint, { problems, notes }: Outcome): void {
  const descriptors = `descriptors ${before.descriptors} → ${after.descriptors}`
  if (after.descriptors > before.descriptors + MAX_MORE_DESCRIPTORS) problems.push(descriptors)
  notes.push(descriptors, `RSS ${before.rssMb} → ${after.rssMb} MB`)
}

/** A small disk of its own, to be filled. */
async function diskAt(path: string): Promise<AsyncDisposable & { path: string }> {
  await command('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'none', path])
  return { path, [Symbol.asyncDispose]: async () => void (await command('umount', ['-l', path])) }
}

interface BothLoads extends AsyncDisposable {
  asked(): number
  /** Why requests failed since this was asked last. */
  failures(): string[]
}

/** New connections, and kept-alive ones. */
function startBothLoads(address: string): BothLoads {
  const loads = [new Agent({ keepAlive: false }), new Agent({ keepAlive: true })].map((agent) =>
    startLoad(address, 8080, { agent, pauseMs: PAUSE_MS })
  )
  const told = loads.map(() => 0)
  return {
    asked: () => loads.reduce((sum, load) => sum + load.served() + load.failures.length, 0),
    failures: () =>
      loads.flatMap(({ failures }, at) => {
        const fresh = failures.slice(told[at])
        told[at] = failures.length
        return fresh
      }),
    [Symbol.asyncDispose]: async () => void (await Promise.all(loads.map((load) => load[Symbol.asyncDispose]())))
  }
}
