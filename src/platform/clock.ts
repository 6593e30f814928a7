/** Time as the program sees it; tests hand in one that they move by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds since some moment, whoever sets the time of day meanwhile: every interval is measured by these. */
  monotonic(): number
  /** Runs `callback` once after `delayMs`; calling the result cancels it. */
  after(delayMs: number, callback: () => void): Cancel
}

export type Cancel = () => void

/** The wall clock. Its timers do not keep the process alive: sockets do that. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  }
}
