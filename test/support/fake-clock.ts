import type { Cancel, Clock } from '../../src/platform/clock.ts'

interface Timer {
  at: number
  callback: () => void
}

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #elapsed = 0
  /** The time of day when nothing had elapsed. */
  #epoch = 1_700_000_000_000
  #timers = new Set<Timer>()

  now(): number {
    return this.#epoch + this.#elapsed
  }

  monotonic(): number {
    return this.#elapsed
  }

  after(delayMs: number, callback: () => void): Cancel {
    const timer = { at: this.#elapsed + Math.max(0, delayMs), callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Moves time on, running each timer that falls due at its own moment. */
  advance(ms: number): void {
    const end = this.#elapsed + ms
    for (let next = this.#nextUntil(end); next !== undefined; next = this.#nextUntil(end)) {
      this.#timers.delete(next)
      this.#elapsed = Math.max(this.#elapsed, next.at)
      next.callback()
    }
    this.#elapsed = end
  }

  /** Moves time on as a process that was stopped sees it: the timers that fell due run late, at the end. */
  freeze(ms: number): void {
    this.#elapsed += ms
    this.advance(0)
  }

  /** Moves the time of day back; timers still take as long as they were told to. */
  setBack(ms: number): void {
    this.#epoch -= ms
  }

  #nextUntil(end: number): Timer | undefined {
    return [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
  }
}
