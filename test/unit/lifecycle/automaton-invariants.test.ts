import { setImmediate as settled } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import { Automaton } from '../../../src/lifecycle/automaton.ts'
import { parseManifest } from '../../../src/lifecycle/manifest/manifest.ts'
import type { Action } from '../../../src/lifecycle/step-runner.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { silentLogger } from '../../support/test-logger.ts'

/** Numbers from 0 up to `below` that a seed repeats (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const tags = ['a', 'b', 'c', 'd', 'z']

function randomManifest(random: (below: number) => number) {
  const some = (): string[] => tags.filter(() => random(2) === 0)
  const states = tags.map((tag) => ({
    tag,
    action: 'step',
    force: random(3) === 0,
    next: some(),
    // The terminal state must come to rest.
    on: tag === 'z' ? {} : { good: tags[random(tags.length)], bad: tags[random(tags.length)] }
  }))
  return parseManifest(JSON.stringify({ initial: 'a', terminal: 'z', states })).manifest
}

/** A machine whose steps end when told, and everything that is seen of it. */
function observed(random: (below: number) => number) {
  const manifest = randomManifest(random)
  const clock = new FakeClock()
  const seen = { running: 0, mostRunning: 0, answers: 0, unexpected: [] as unknown[], entered: [] as string[] }
  const ends = new Set<(outcome: string) => void>()
  const step: Action = async ({ signal, input }) => {
    seen.mostRunning = Math.max(seen.mostRunning, ++seen.running)
    seen.entered.push(input as string)
    try {
      return await new Promise<string>((resolve, reject) => {
        ends.add(resolve)
        signal.addEventListener('abort', () => reject(new Error('aborted')))
      })
    } finally {
      seen.running--
    }
  }
  const automaton = new Automaton({ manifest, actions: { step }, socketPath: '/x', logger: silentLogger(), clock })
  const endStep = (outcome: string): void => {
    for (const end of ends) end(outcome)
    ends.clear()
  }
  return { automaton, clock, seen, endStep }
}

const outcomes = ['good', 'bad', 'other', 'failed']

describe('whatever is asked of a machine', () => {
  it.each(Array.from({ length: 100 }, (_, seed) => seed))('keeps its promises (seed %i)', async (seed) => {
    const random = numbers(seed)
    const { automaton, clock, seen, endStep } = observed(random)
    automaton.start()
    let asked = 0
    const ask = (): void => {
      const deed = random(2) === 0 ? 'goto' : 'wait'
      const request = automaton[deed](tags[random(4)] as string, String(asked++), { coalesce: random(4) === 0 })
      request
        .catch((error: unknown) => {
          if (!(error instanceof KontrolError) || error.code !== 'KTL_TRANSITION_REFUSED') seen.unexpected.push(error)
        })
        .finally(() => seen.answers++)
    }
    const deeds = [ask, ask, () => clock.advance(random(1_500)), () => endStep(outcomes[random(4)] as string)]
    for (let n = 0; n < 200; n++) {
      deeds[random(deeds.length)]?.()
      await settled()
    }
    const stopped = automaton.stop()
    for (let n = 0; n < 20; n++) {
      clock.advance(1_500)
      endStep('done')
      await settled()
    }
    await stopped
    await settled()

    expect(seen.unexpected).toEqual([])
    expect(seen.mostRunning).toBe(1)
    expect(seen.answers).toBe(asked)
    expect(automaton.status()).toMatchObject({ state: 'z', running: false, queue: [] })
    const inputs = seen.entered.filter((input) => input !== '').map(Number)
    // Coalesced requests carry a later input in an earlier place, and never an earlier one twice.
    expect(new Set(inputs).size).toBe(inputs.length)
  })
})
