/** However much happens, and for each path of its own. */
const LEAST_GAP_MS = 1000
/** An answer that takes long costs both sides: all asking together is a twentieth of the time at most. */
const GAP_PER_DURATION = 20

/** Asks again and again: soon after something happened, and at intervals when nothing does. Never while it is paused. */
export class Refresher {
  #ask
  #intervalMs
  #running = false
  #busy = false
  /** Something happened while an answer was on its way: it may tell of the time before. */
  #again = false
  #notBefore = 0
  /** @type {number | undefined} */
  #timer

  /**
   * @param {() => Promise<void>} ask
   * @param {() => number} intervalMs
   */
  constructor(ask, intervalMs) {
    this.#ask = ask
    this.#intervalMs = intervalMs
  }

  start() {
    this.#running = true
    this.soon()
  }

  pause() {
    this.#running = false
    clearTimeout(this.#timer)
  }

  soon() {
    if (this.#busy) this.#again = true
    else this.#schedule(0)
  }

  /** @param {number} delayMs */
  #schedule(delayMs) {
    if (!this.#running) return
    clearTimeout(this.#timer)
    const wait = Math.max(delayMs, this.#notBefore - performance.now())
    this.#timer = setTimeout(() => void this.#run(), wait)
  }

  async #run() {
    this.#busy = true
    this.#again = false
    const startedAt = performance.now()
    try {
      await this.#ask()
    } finally {
      // Also after an answer that a view could not show: the next one may be better.
      const endedAt = performance.now()
      this.#notBefore = endedAt + Math.max(LEAST_GAP_MS, GAP_PER_DURATION * (endedAt - startedAt))
      this.#busy = false
      this.#schedule(this.#again ? 0 : this.#intervalMs())
    }
  }
}
