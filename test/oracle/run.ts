import { randomInt } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConfigureResult } from '../../src/haproxy/update.ts'
import { findKontrolError } from '../../src/errors.ts'
import { eventually } from '../support/eventually.ts'
import { exchange } from '../../src/haproxy/socket/exchange.ts'
import { selfSigned } from '../support/certificates.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { ownPort, startHaproxy, type DrivenHaproxy } from '../support/start-haproxy.ts'
import { tempDir } from '../support/temp-dir.ts'
import type { Probe } from './client.ts'
import { pickEdit, pickEvent, type Event } from './edits.ts'
import { startFresh } from './fresh-haproxy.ts'
import { generate, probesOf, type Place } from './generator.ts'
import { judge } from './judge.ts'
import { startPods, type Pods } from './pods.ts'
import { render } from './scenario.ts'

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

export async function startOracle(): Promise<Oracle> {
  const block = 2 * randomInt(50, 120)
  const [prefix, other] = [`127.${block}.`, `127.${block + 1}.`]
  const dir = await tempDir()
  const { key, cert } = await selfSigned()
  const certificate = dir.file('site.pem')
  await writeFile(certificate, `${cert}${key}`)
  const podPort = ownPort()
  const pods = await startPods(podPort)
  const haproxy = await startHaproxy()
  const place: Place = { prefix, bindPort: ownPort(), podPort, certificate }

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

  return {
    place,
    pods,
    haproxy,
    async compare(text, probes) {
      const { outcome, reasons } = await apply(text)
      pods.forget()
      const fresh = await startFresh(dir.file('fresh'), text.replaceAll(prefix, other))
      if (fresh.refused !== undefined) {
        const differences = outcome === 'refused' ? [] : [`runs by ${outcome} what HAProxy refuses: ${fresh.refused}`]
        return { outcome, reasons, differences }
      }
      await using started = fresh.haproxy
      if (outcome === 'refused') return { outcome, reasons, differences: [`refused: ${reasons.join('; ')}`] }
      const driven = { socket: join(haproxy.dataFolder, 'haproxy/admin.sock'), prefix }
      const differences = await judge({
        driven,
        fresh: { socket: started.socket, prefix: other },
        pods,
        probes,
        spread: !BOUND.test(text)
      })
      return { outcome, reasons, differences }
    },
    async [Symbol.asyncDispose]() {
      await haproxy[Symbol.asyncDispose]()
      await pods[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    }
  }
}

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
export async function runChain(oracle: Oracle, seed: number, length: number): Promise<ChainReport> {
  const random = new SeededRandom(seed)
  const { place } = oracle
  const report: ChainReport = { seed, pairs: 0, refused: 0, outcomes: {}, failure: undefined }
  let scenario = generate(random, place)
  let before = ''
  for (let step = 0; step < length; step++) {
    const next = structuredClone(scenario)
    const edits = step === 0 ? [] : random.some(1, 2, () => pickEdit(random))
    for (const edit of edits) edit.apply(next, random, place)
    const names = edits.map(({ name }) => name)
    const event = step === 0 ? 'nothing' : pickEvent(random)
    if (event !== 'nothing') names.unshift(event)
    await happen(oracle, event)
    const text = render(next, place.prefix)
    const verdict = await oracle.compare(text, probesOf(place, next))
    report.pairs++
    report.outcomes[verdict.outcome] = (report.outcomes[verdict.outcome] ?? 0) + 1
    if (verdict.differences.length > 0) {
      return { ...report, failure: { step, edits: names, before, after: text, verdict } }
    }
    if (verdict.outcome === 'refused') report.refused++
    else {
      scenario = next
      before = text
    }
  }
  return report
}

async function happen({ haproxy }: Oracle, event: Event): Promise<void> {
  if (event === 'takeover') await haproxy.takeOver()
  if (event === 'stranger') await reloadByAnotherHand(join(haproxy.dataFolder, 'haproxy/master.sock'))
}

/** HAProxy 2.6 answers before it has reloaded: what comes next is for the new worker. */
async function reloadByAnotherHand(masterSocket: string): Promise<void> {
  const worker = async () => /^(\d+) +worker/m.exec(await exchange(masterSocket, 'show proc').catch(() => ''))?.[1]
  const former = await worker()
  await exchange(masterSocket, 'reload')
  await eventually(async () => {
    const now = await worker()
    return now !== undefined && now !== former
  })
}
