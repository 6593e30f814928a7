/** The least time between two questions, however much happens. */
const GAP_MS = 1000
/** An answer that took long is asked for less often: at most a fifth of the time is spent on it. */
const SHARE = 5

/** Asks again and again, never twice at once, and sooner when told that there is something new. */
export class Refresher {
  readonly #ask: () => Promise<boolean>
  readonly #intervalMs: () => number
  #timer: number | undefined
  #running = false
  #asking = false
  #wanted = false
  #notBefore = 0

  /** @param ask whether there was an answer */
  constructor(ask: () => Promise<boolean>, intervalMs: () => number) {
    this.#ask = ask
    this.#intervalMs = intervalMs
  }

  start(): void {
    this.#running = true
    this.soon()
  }

  pause(): void {
    this.#running = false
    clearTimeout(this.#timer)
  }

  soon(): void {
    this.#wanted = true
    if (!this.#running || this.#asking) return
    this.#schedule(Math.max(0, this.#notBefore - performance.now()))
  }

  #schedule(inMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#once(), inMs)
  }

  async #once(): Promise<void> {
    this.#asking = true
    this.#wanted = false
    const began = performance.now()
    const answered = await this.#ask()
    const now = performance.now()
    // Who waited in vain has cost nobody anything.
    this.#notBefore = now + (answered ? Math.max(GAP_MS, (now - began) * SHARE) : GAP_MS)
    this.#asking = false
    if (!this.#running) return
    this.#schedule(this.#wanted ? this.#notBefore - now : Math.max(this.#intervalMs(), this.#notBefore - now))
  }
}
