import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConfigureResult } from '../../src/haproxy/update.ts'
import { detectVersion } from '../../src/haproxy/process/version.ts'
import { findKontrolError } from '../../src/errors.ts'
import { eventually } from '../support/eventually.ts'
import { exchange } from '../../src/haproxy/socket/exchange.ts'
import { selfSigned } from '../support/certificates.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { startHaproxy, type DrivenHaproxy } from '../support/haproxy/start-haproxy.ts'
import { tempDir } from '../support/temp-dir.ts'
import type { Probe } from './client.ts'
import { pickEdit, pickEvent, type Event } from './edits.ts'
import { FreshHaproxies, TEXTS } from './fresh-haproxy.ts'
import { generate, probesOf, type Place } from './generator.ts'
import { judge, placesOf } from './judge.ts'
import { look } from './look.ts'
import { ownBlock, ownPorts } from './own-place.ts'
import { startPods, type Pods } from './pods.ts'
import { render, type Scenario } from './scenario.ts'

/** Both sides of a comparison, and the pods behind them. */
export interface Oracle extends AsyncDisposable {
  place: Place
  pods: Pods
  haproxy: DrivenHaproxy
  /**
   * Brings the driven HAProxy to a text, as the control tier does, and holds it against one that was started on it.
   *
   * @returns what was done, and every difference
   */
  compare(text: string, probes: readonly Probe[]): Promise<Verdict>
}

export interface Verdict {
  outcome: ConfigureResult['outcome'] | 'refused'
  reasons: readonly string[]
  differences: readonly string[]
}

/** Of one oracle: the driven HAProxy's, those of fresh ones, and some that rest from the one before. */
const NETWORKS = TEXTS + 4

export async function startOracle(): Promise<Oracle> {
  /** How to put away what was begun, the last one first. */
  const ends: (() => unknown)[] = []
  const end = async (): Promise<void> => {
    for (let one = ends.pop(); one !== undefined; one = ends.pop()) await one()
  }
  try {
    return { ...(await begin(ends)), [Symbol.asyncDispose]: end }
  } catch (error) {
    await end()
    throw error
  }
}

async function begin(ends: (() => unknown)[]): Promise<Omit<Oracle, typeof Symbol.asyncDispose>> {
  const { block, free } = ownBlock(NETWORKS)
  ends.push(free)
  const [prefix = '', ...others] = Array.from({ length: NETWORKS }, (_, index) => `127.${block + index}.`)
  const dir = await tempDir()
  ends.push(() => dir[Symbol.asyncDispose]())
  const { key, cert } = await selfSigned()
  const certificate = dir.file('site.pem')
  await writeFile(certificate, `${cert}${key}`)
  const podPort = ownPorts()
  const pods = await startPods(podPort)
  ends.push(() => pods[Symbol.dispose]())
  const haproxy = await startHaproxy()
  ends.push(() => haproxy[Symbol.asyncDispose]())
  const place: Place = { prefix, bindPort: ownPorts(), podPort, certificate }
  const fresh = new FreshHaproxies(dir.file('fresh'), prefix, others, (gone) => pods.forget(gone))
  ends.push(() => fresh[Symbol.asyncDispose]())

  const apply = async (text: string): Promise<Omit<Verdict, 'differences'>> => {
    try {
      const { outcome, reasons } = await haproxy.driver.configure(text)
      if (outcome === 'reload') await haproxy.driver.restart()
      return { outcome, reasons }
    } catch (error) {
      const known = findKontrolError(error)
      if (known === undefined) throw error
      return { outcome: 'refused', reasons: [known.message] }
    }
  }

  // 3.0 alone, of 2.6, 3.0 and 3.2: of a server with `check-sni` and no `sni`, all 60 of 60 connections had that name.
  const { major, minor } = await detectVersion('haproxy')
  const sharesSessions = major === 3 && minor === 0
  const driven = { socket: join(haproxy.dataFolder, 'haproxy/admin.sock'), prefix }

  const compare: Oracle['compare'] = async (text, probes) => {
    const before = await look(driven.socket, prefix)
    const { outcome, reasons } = await apply(text)
    const former = new Set(outcome === 'applied' ? placesOf(before.servers) : [])
    pods.forget(prefix)
    const differencesNow = async (): Promise<string[]> => {
      const wanted = await fresh.of(text)
      if (typeof wanted === 'string') {
        // Both refuse it then, and neither has judged the text.
        if (wanted.includes('Address already in use')) throw new Error(`The oracle's addresses are taken: ${wanted}`)
        return outcome === 'refused' ? [] : [`runs by ${outcome} what HAProxy refuses: ${wanted}`]
      }
      if (outcome === 'refused') return [`refused: ${reasons.join('; ')}`]
      const judged = {
        driven,
        fresh: wanted,
        pods,
        probes,
        former,
        spread: !BOUND.test(text),
        weighed: RANDOM.test(text),
        namedByChecks: sharesSessions && /\bcheck-sni\b/.test(text)
      }
      const differences = await judge(judged).catch(async (cause: unknown) => {
        const fate = (await wanted.fate()) ?? 'runs'
        throw new Error(`The oracle could not judge, and its fresh HAProxy ${fate}`, { cause })
      })
      fresh.pause(text)
      return differences
    }
    const aged = fresh.has(text)
    const differences = await differencesNow()
    if (differences.length === 0 || !aged) return { outcome, reasons, differences }
    // One that has run for a while is no judge any more: a new one has the last word.
    await fresh.end(text)
    return { outcome, reasons, differences: await differencesNow() }
  }

  return { place, pods, haproxy, compare }
}

const RANDOM = /^\s*balance random/m

/** Clients stay where they went first. */
const BOUND = /^\s*(?:option prefer-last-server|stick |http-reuse always|balance leastconn)/m

export interface ChainReport {
  seed: number
  pairs: number
  refused: number
  outcomes: Record<string, number>
  /** The first pair of the chain that differs. */
  failure: { step: number; edits: string[]; before: string; after: string; verdict: Verdict } | undefined
}

/** Pairs that follow one another: each text is what the next one finds running. */
export async function runChain(
  oracle: Oracle,
  seed: number,
  length: number,
  ended: () => boolean = () => false
): Promise<ChainReport> {
  const random = new SeededRandom(seed)
  const { place } = oracle
  const report: ChainReport = { seed, pairs: 0, refused: 0, outcomes: {}, failure: undefined }
  /** What ran, the last one last. */
  let known: readonly Scenario[] = []
  let before = ''
  for (let step = 0; step < length && !ended(); step++) {
    const { scenario, edits } = pickNext(random, place, known)
    const event = step === 0 ? 'nothing' : pickEvent(random)
    if (event !== 'nothing') edits.unshift(event)
    await happen(oracle, event)
    const text = render(scenario, place.prefix)
    const verdict = await oracle.compare(text, probesOf(place, scenario))
    report.pairs++
    report.outcomes[verdict.outcome] = (report.outcomes[verdict.outcome] ?? 0) + 1
    if (verdict.differences.length > 0) {
      return { ...report, failure: { step, edits, before, after: text, verdict } }
    }
    if (verdict.outcome === 'refused') report.refused++
    else {
      known = [...known.filter((other) => other !== scenario), scenario].slice(-TEXTS)
      before = text
    }
  }
  return report
}

/** Mostly what runs with an edit or two; else what ran before, which may find servers of its own in HAProxy. */
function pickNext(random: SeededRandom, place: Place, known: readonly Scenario[]) {
  const runs = known.at(-1)
  if (runs === undefined) return { scenario: generate(random, place), edits: [] }
  const former = known[random.below(known.length - 1)]
  if (former !== undefined && former !== runs && random.chance(known.length < TEXTS ? 0.25 : 0.75)) {
    return { scenario: former, edits: ['as before'] }
  }
  const scenario = structuredClone(runs)
  const edits = random.some(1, 2, () => pickEdit(random, scenario))
  for (const edit of edits) edit.apply(scenario, random, place)
  return { scenario, edits: edits.map(({ name }) => name) }
}

async function happen({ haproxy }: Oracle, event: Event): Promise<void> {
  if (event === 'takeover') await haproxy.takeOver()
  if (event === 'stranger') await reloadByAnotherHand(join(haproxy.dataFolder, 'haproxy/master.sock'))
}

/** HAProxy 2.6 answers before it has reloaded: what comes next is for the new worker. */
async function reloadByAnotherHand(masterSocket: string): Promise<void> {
  const worker = async () => /^(\d+) +worker/m.exec(await exchange(masterSocket, 'show proc').catch(() => ''))?.[1]
  const former = await worker()
  await exchange(masterSocket, 'reload', { mayBeSilent: true })
  await eventually(async () => {
    const now = await worker()
    return now !== undefined && now !== former
  })
}
