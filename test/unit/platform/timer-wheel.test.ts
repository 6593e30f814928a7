import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Cancel, Clock } from '../../../src/platform/clock.ts'
import { TimerWheel } from '../../../src/platform/timer-wheel.ts'
import { FakeClock } from '../../support/fake-clock.ts'

/** Counts the timers that wait. */
class CountingClock implements Clock {
  armed = 0
  readonly #clock: FakeClock

  constructor(clock: FakeClock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  after(delayMs: number, callback: () => void): Cancel {
    this.armed++
    const cancel = this.#clock.after(delayMs, () => {
      this.armed--
      callback()
    })
    return () => {
      this.armed--
      cancel()
    }
  }
}

describe('TimerWheel', () => {
  let fake: FakeClock
  let clock: CountingClock
  let due: [item: string, at: number][]
  let jumps: number[]
  let wheel: TimerWheel<string>

  const start = (slots?: number): void => {
    wheel = new TimerWheel<string>({
      clock,
      onDue: (items) => void due.push(...items.map((item): [string, number] => [item, clock.now()])),
      onJump: (byMs) => void jumps.push(byMs),
      jumpMs: 1000,
      ...(slots !== undefined && { slots })
    })
  }

  beforeEach(() => {
    fake = new FakeClock()
    clock = new CountingClock(fake)
    due = []
    jumps = []
    start()
  })

  it('tells of an item within 100 ms after its time, never before', () => {
    wheel.schedule('a', clock.now() + 1234)
    fake.advance(1233)
    expect(due).toEqual([])
    fake.advance(101)
    expect(due).toHaveLength(1)
    expect(wheel.size).toBe(0)
  })

  it('tells of items of the same turn together', () => {
    const calls: string[][] = []
    const together = new TimerWheel<string>({
      clock,
      onDue: (items) => void calls.push(items),
      onJump: () => {},
      jumpMs: 1000
    })
    for (const item of ['a', 'b', 'c']) together.schedule(item, clock.now() + 500)
    fake.advance(1000)

    expect(calls).toEqual([['a', 'b', 'c']])
  })

  it('moves an item that is scheduled again, later or earlier', () => {
    const start = clock.now()
    wheel.schedule('later', start + 1000)
    wheel.schedule('earlier', start + 5000)
    wheel.schedule('later', start + 3000)
    wheel.schedule('earlier', start + 2000)
    fake.advance(10_000)

    expect(due).toEqual([
      ['earlier', start + 2000],
      ['later', start + 3000]
    ])
  })

  it('does not tell of a cancelled item, and arms no timer for an empty wheel', () => {
    wheel.schedule('a', clock.now() + 1000)
    expect(wheel.cancel('a')).toBe(true)
    expect(wheel.cancel('a')).toBe(false)
    fake.advance(10_000)

    expect(due).toEqual([])
    expect(clock.armed).toBe(0)
  })

  it('arms one timer at most', () => {
    for (let i = 0; i < 1000; i++) wheel.schedule(`k${i}`, clock.now() + ((i * 7919) % 100_000))
    expect(clock.armed).toBe(1)
    fake.advance(50_000)
    expect(clock.armed).toBe(1)
    fake.advance(60_000)
    expect(due).toHaveLength(1000)
    expect(clock.armed).toBe(0)
  })

  it('serves items further away than a revolution at their time', () => {
    start(8)
    const begin = clock.now()
    wheel.schedule('far', begin + 10_000)
    wheel.schedule('near', begin + 400)
    fake.advance(20_000)

    expect(due).toEqual([
      ['near', begin + 400],
      ['far', begin + 10_000]
    ])
  })

  it('tells of an item whose time has passed in the next turn', () => {
    wheel.schedule('a', clock.now() - 5000)
    fake.advance(200)

    expect(due).toHaveLength(1)
  })

  it('lets an item be scheduled while the due ones are told', () => {
    let rounds = 0
    const again = new TimerWheel<string>({
      clock,
      onDue: ([item]) => {
        rounds++
        again.schedule(item as string, clock.now() + 1000)
      },
      onJump: () => {},
      jumpMs: 1000
    })
    again.schedule('a', clock.now() + 1000)
    fake.advance(10_050)

    expect(rounds).toBe(10)
    again.clear()
    expect(clock.armed).toBe(0)
  })

  it('serves late what fell due during a short stall', () => {
    wheel.schedule('a', clock.now() + 500)
    wheel.schedule('b', clock.now() + 900)
    fake.freeze(1400)

    expect(due.map(([item]) => item)).toEqual(['a', 'b'])
    expect(jumps).toEqual([])
  })

  it('tells of no item but of the jump after a long stall', () => {
    wheel.schedule('a', clock.now() + 500)
    fake.freeze(60_000)

    expect(due).toEqual([])
    expect(jumps).toEqual([59_500])
  })

  it('notices a stall that ends just before an item is due', () => {
    wheel.schedule('a', clock.now() + 30_000)
    fake.advance(5000)
    fake.freeze(24_900)

    expect(due).toEqual([])
    expect(jumps).toHaveLength(1)
  })

  it('tells of the jump when the clock was set back', () => {
    wheel.schedule('a', clock.now() + 500)
    fake.setBack(3_600_000)
    fake.advance(600)

    expect(due).toEqual([])
    expect(jumps).toEqual([-3_600_000])
  })

  it('agrees with a sorted list, whatever is scheduled, moved and cancelled', () => {
    const step = fc.record({
      item: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      inMs: fc.option(fc.integer({ min: 0, max: 5000 }), { nil: undefined }),
      advanceMs: fc.integer({ min: 0, max: 900 })
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 2, max: 40 }), (steps, slots) => {
        const time = new FakeClock()
        const expected = new Map<string, number>()
        const tested = new TimerWheel<string>({
          clock: time,
          onDue: (items) => {
            for (const item of items) {
              const at = expected.get(item) ?? NaN
              expect(time.now()).toBeGreaterThanOrEqual(at)
              expect(time.now()).toBeLessThan(at + 200)
              expected.delete(item)
            }
          },
          onJump: () => expect.unreachable('time did not jump'),
          jumpMs: 1000,
          slots
        })
        for (const { item, inMs, advanceMs } of steps) {
          if (inMs === undefined) expect(tested.cancel(item)).toBe(expected.delete(item))
          else {
            tested.schedule(item, time.now() + inMs)
            expected.set(item, time.now() + inMs)
          }
          time.advance(advanceMs)
          expect(tested.size).toBe(expected.size)
        }
        time.advance(6000)
        expect(expected.size).toBe(0)
      })
    )
  })
})
