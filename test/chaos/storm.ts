import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { haproxyPaths } from '../../src/haproxy/files/paths.ts'
import { messageOf } from '../../src/errors.ts'
import { eventually } from '../support/eventually.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { startLoad } from '../support/load/steady-load.ts'
import { startStage } from './stage.ts'
import { ensembleFaults, faults, type Fault } from './faults.ts'
import { noOutcome, type Outcome, type StormOptions } from './outcome.ts'
import { footprint, isWell, leaderOf, type Ensemble, type Footprint, type World } from './world.ts'

/** Between two requests of one client: more of them would only take the processors from who is watched. */
const PAUSE_MS = 10
const MAX_MORE_DESCRIPTORS = 30
/** Longer than the control tier keeps a connection on which nothing is asked, which is 72 s. */
const IDLE_MS = 90_000

/** Control tiers with their HAProxies, and one fault after the other: by the seed, which replays their order. */
export async function storm(options: StormOptions): Promise<Outcome> {
  const { minutes, seed, log, patienceMs } = options
  const random = new SeededRandom(seed)
  await using stage = await startStage(options)
  const { worlds, ensemble } = stage
  await areWell(worlds, ensemble, patienceMs)

  await using loads = startLoads(worlds)
  const before = await Promise.all(worlds.map((world) => footprint(world)))
  const outcome = noOutcome()
  const strikes = strikesOf(options, worlds, ensemble)
  const end = performance.now() + minutes * 60_000
  while (performance.now() < end && outcome.problems.length === 0) {
    await oneFault(random.pick(strikes), { worlds, ensemble, random, loads, outcome, patienceMs })
  }
  outcome.requests = loads.all.reduce((sum, load) => sum + load.asked(), 0)
  await writeFile(log, '')
  for (const [index, world] of worlds.entries()) {
    const was = before[index]
    if (was !== undefined) compare(was, await settled(world, was).catch(() => was), outcome)
    await appendFile(log, world.service.output)
    await appendFile(log, await readFile(haproxyPaths(world.service.data).log, 'utf8').catch(() => ''))
  }
  return outcome
}

/** A fault, and where it strikes. */
interface Strike {
  name: string
  cuts: Fault['cuts']
  /** Whose clients it cuts, by number. */
  at: number | undefined
  strike: (random: SeededRandom) => Promise<void>
}

function strikesOf({ only }: StormOptions, worlds: readonly World[], ensemble: Ensemble | undefined): Strike[] {
  const strikes = Object.entries(faults).flatMap(([name, { cuts, strike }]) =>
    worlds.map((world, at): Strike => ({ name, cuts, at, strike: async (random) => await strike(world, random) }))
  )
  // As often as one of a single proxy, of which there are several.
  const shared = Object.entries(ensemble === undefined ? {} : ensembleFaults).flatMap(([name, strike]) =>
    worlds.map((): Strike => ({
      ...{ name, cuts: false, at: undefined },
      strike: async (random) => void (ensemble && (await strike(ensemble, random)))
    }))
  )
  const chosen = [...strikes, ...shared].filter(({ name }) => only.length === 0 || only.includes(name))
  if (chosen.length > 0) return chosen
  throw new Error(`no such fault; there are: ${Object.keys({ ...faults, ...ensembleFaults }).join(', ')}`)
}

/** @throws what does not hold within this time */
async function areWell(worlds: readonly World[], ensemble: Ensemble | undefined, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs
  const left = (): number => Math.max(1_000, deadline - performance.now())
  for (const world of worlds) await isWell(world, left())
  if (ensemble !== undefined) await eventually(async () => await leaderOf(ensemble), left())
}

interface Run {
  worlds: readonly World[]
  ensemble: Ensemble | undefined
  random: SeededRandom
  loads: Loads
  outcome: Outcome
  patienceMs: number
}

async function oneFault(struck: Strike, run: Run): Promise<void> {
  const { worlds, ensemble, random, loads, outcome, patienceMs } = run
  const { name, at, strike } = struck
  for (const load of loads.all) load.failures()
  outcome.faults++
  try {
    await strike(random)
    const healing = performance.now()
    await areWell(worlds, ensemble, patienceMs)
    const tookMs = Math.round(performance.now() - healing)
    if (tookMs > outcome.slowest[1]) outcome.slowest = [name, tookMs]
    const failures = loads.all.map((load) => load.failures())
    for (const [index, ofProxy] of failures.entries()) judge(struck, index, ofProxy, outcome)
    const number = String(outcome.faults).padStart(3)
    const where = at === undefined || worlds.length === 1 ? '' : ` at proxy ${at}`
    console.log(`chaos: ${number} ${name}${where}: well after ${tookMs} ms, ${failures.flat().length} requests failed`)
  } catch (error) {
    outcome.problems.push(`${name}: ${messageOf(error)}`)
  }
}

/** Requests that failed at a proxy while this struck one. */
function judge({ name, cuts, at }: Strike, proxy: number, failures: readonly string[], outcome: Outcome): void {
  if (failures.length === 0) return
  if (proxy === at && (cuts === 'all' || (cuts === 'waiting' && couldWait(failures)))) {
    outcome.lost[name] = (outcome.lost[name] ?? 0) + failures.length
    return
  }
  const words = [...new Set(failures)].join('; ')
  outcome.problems.push(`${name}: ${failures.length} requests failed at proxy ${proxy}: ${words}`)
}

/** As many as there are clients, each of which asks for one thing at a time. */
const couldWait = (failures: readonly string[]): boolean =>
  failures.length <= 6 && failures.every((failure) => /ECONNRESET|socket hang up/.test(failure))

/** The footprint, once connections of slaves that a fault kept waiting had the time to end; what leaks does not go. */
async function settled(world: World, before: Footprint): Promise<Footprint> {
  for (const deadline = performance.now() + IDLE_MS; ; await sleep(1_000)) {
    const now = await footprint(world)
    if (now.descriptors <= before.descriptors + MAX_MORE_DESCRIPTORS || performance.now() > deadline) return now
  }
}

function compare(before: Footprint, after: Footprint, { problems, notes }: Outcome): void {
  const descriptors = `descriptors ${before.descriptors} → ${after.descriptors}`
  if (after.descriptors > before.descriptors + MAX_MORE_DESCRIPTORS) problems.push(descriptors)
  notes.push(descriptors, `RSS ${before.rssMb} → ${after.rssMb} MB`)
}

interface BothLoads extends AsyncDisposable {
  asked(): number
  /** Why requests failed since this was asked last. */
  failures(): string[]
}

interface Loads extends AsyncDisposable {
  /** By number of the proxy. */
  all: readonly BothLoads[]
}

function startLoads(worlds: readonly World[]): Loads {
  const all = worlds.map(({ address }) => startBothLoads(address, PAUSE_MS * worlds.length))
  return {
    all,
    [Symbol.asyncDispose]: async () => void (await Promise.all(all.map((load) => load[Symbol.asyncDispose]())))
  }
}

/** New connections, and kept-alive ones. */
function startBothLoads(address: string, pauseMs: number): BothLoads {
  const loads = [new Agent({ keepAlive: false }), new Agent({ keepAlive: true })].map((agent) =>
    startLoad(address, 8080, { agent, pauseMs })
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
