import { Damper } from '../../../src/controller/damper.ts'
import { Backoff } from '../../../src/platform/backoff.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import type { SeededRandom } from '../../support/seeded-random.ts'
import type { Changes } from './model.ts'

export interface Queued {
  meanWaitMs: number
  /** Milliseconds that the last one waited: where that grows, more comes than is done. */
  lastWaitMs: number
}

/** Many that each come once a period, at a moment of their own, to one server that takes the same time for each. */
export function periodicQueue(
  { sources, periodMs, serviceMs, periods }: { sources: number; periodMs: number; serviceMs: number; periods: number },
  random: SeededRandom
): Queued {
  const phases = Float64Array.from({ length: sources }, () => random.next() * periodMs).sort()
  let [freeAt, waited, last] = [0, 0, 0]
  for (let period = 0; period < periods; period++) {
    for (const phase of phases) {
      const at = period * periodMs + phase
      last = Math.max(0, freeAt - at)
      waited += last
      freeAt = at + last + serviceMs
    }
  }
  return { meanWaitMs: waited / (sources * periods), lastWaitMs: last }
}

/** How slaves wait between attempts (src/slave/master-pinger.ts). */
const RETRY = { firstMs: 500, jitter: 0.5 }

/** Keepalives a second in the first quarter of a period in which a master is back that was away for `awayMs`. */
export function returningPods(
  { pods, periodMs, awayMs }: { pods: number; periodMs: number; awayMs: number },
  random: SeededRandom
): number {
  let heard = 0
  for (let pod = 0; pod < pods; pod++) {
    const backoff = new Backoff({ ...RETRY, maxMs: periodMs, random: () => random.next() })
    let at = random.next() * periodMs
    while (at < awayMs) at += backoff.next()
    if (at < awayMs + periodMs / 4) heard++
  }
  return heard / (periodMs / 4_000)
}

export interface Rounds {
  roundsASecond: number
  meanUntilLive: number
}

/**
 * Changes that go through the damper of the program to an automaton that takes its time for each round and lets one
 * request wait meanwhile.
 */
export function mergedRounds({ rate, window, round }: Changes, seconds: number, random: SeededRandom): Rounds {
  const clock = new FakeClock()
  let [rounds, changes, waited] = [0, 0, 0]
  let [busy, wanted] = [false, false]
  let gathered: number[] = []
  const begin = (): void => {
    const taken = gathered
    gathered = []
    busy = true
    rounds++
    clock.after(round * 1_000, () => {
      changes += taken.length
      for (const at of taken) waited += clock.monotonic() - at
      busy = false
      if (!wanted) return
      wanted = false
      begin()
    })
  }
  const act = (): void => {
    if (busy) wanted = true
    else begin()
  }
  const damper = new Damper({ windowMs: window * 1_000, clock, act })
  const arrive = (): void => {
    gathered.push(clock.monotonic())
    damper.push()
    clock.after((-Math.log(1 - random.next()) * 1_000) / rate, arrive)
  }
  clock.after(0, arrive)
  clock.advance(seconds * 1_000)
  return { roundsASecond: rounds / seconds, meanUntilLive: waited / changes / 1_000 }
}
