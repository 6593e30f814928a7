import { describe, expect, it } from 'vitest'
import { ReconcileLoop } from '../../../src/dns/reconcile-loop.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const MINUTE = 60_000

function loopWith(answers: boolean[], random = () => 1) {
  const clock = new FakeClock()
  const startedAt = clock.now()
  const passes: number[] = []
  const reconcile = async (): Promise<boolean> => {
    passes.push(clock.now() - startedAt)
    return answers.shift() ?? false
  }
  return { clock, passes, loop: new ReconcileLoop({ clock, random, intervalMs: 5 * MINUTE, reconcile }) }
}

/** Lets the promises of a reconciliation run out. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the loop of passes', () => {
  it('comes back at the slow interval, give or take a tenth', async () => {
    for (const [random, expected] of [
      [0, 4.5],
      [0.5, 5],
      [1, 5.5]
    ] as const) {
      const { clock, passes, loop } = loopWith([], () => random)
      loop.start()
      await settle()
      clock.advance(expected * MINUTE - 1)
      expect(passes).toEqual([0])
      clock.advance(1)
      expect(passes).toEqual([0, expected * MINUTE])
    }
  })

  it('doubles its pauses from one second to one minute while passes fail', async () => {
    const { clock, passes, loop } = loopWith(Array.from({ length: 9 }, () => true))
    loop.start()
    for (let minute = 0; minute < 30; minute++) {
      for (let second = 0; second < 10; second++) {
        await settle()
        clock.advance(1_000)
      }
    }
    const pauses = passes.slice(1).map((at, index) => (at - (passes[index] ?? 0)) / 1_000)

    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
  })

  it('spreads its pauses by up to half', async () => {
    const { clock, passes, loop } = loopWith([true], () => 0)
    loop.start()
    await settle()
    clock.advance(499)
    expect(passes).toHaveLength(1)
    clock.advance(1)
    expect(passes).toHaveLength(2)
  })

  it('begins with short pauses again after a reconciliation that went well', async () => {
    const { clock, passes, loop } = loopWith([true, true, false, true], () => 1)
    loop.start()
    for (const pause of [1_000, 2_000, 5.5 * MINUTE, 1_000]) {
      await settle()
      clock.advance(pause)
    }

    expect(passes).toEqual([0, 1_000, 3_000, 3_000 + 5.5 * MINUTE, 4_000 + 5.5 * MINUTE])
  })

  it('begins with short pauses again when told', async () => {
    const { clock, passes, loop } = loopWith([true, true, true])
    loop.start()
    await settle()
    clock.advance(1_000)
    await settle()
    loop.resetRetries()
    clock.advance(2_000)
    await settle()
    clock.advance(1_000)

    expect(passes).toEqual([0, 1_000, 3_000, 4_000])
  })

  it('makes one reconciliation of many requests that come during one', async () => {
    const { passes, loop } = loopWith([])

    await Promise.all(Array.from({ length: 50 }, () => loop.reconcile()))
    expect(loop.busy).toBe(false)

    expect(passes.length).toBeLessThanOrEqual(2)
  })

  it('runs on demand before it is started, but leaves no timer behind', async () => {
    const { clock, passes, loop } = loopWith([true])
    loop.nudge()
    await loop.reconcile()
    clock.advance(60 * MINUTE)

    expect(passes).toEqual([0])
  })

  it('does nothing more once stopped', async () => {
    const { clock, passes, loop } = loopWith([true])
    loop.start()
    await loop.stop()
    await loop.reconcile()
    clock.advance(60 * MINUTE)

    expect(passes).toEqual([0])
  })
})
