import { Backoff } from '../platform/backoff.ts'
import type { Cancel, Clock } from '../platform/clock.ts'

export interface ReconcileLoopOptions {
  clock: Clock
  /** From 0 to 1; spreads the reconciliations, so that many processes do not come at once. */
  random: () => number
  /** Milliseconds between two reconciliations when all is well, give or take a tenth. */
  intervalMs: number
  /** Must not reject. True: try again soon, as what failed may pass by itself. */
  reconcile: () => Promise<boolean>
}

const RETRY = { firstMs: 1_000, maxMs: 60_000, jitter: 0.5 }

/** Reconciles, once at a time: on demand, with growing pauses after failures, and now and then anyway. */
export class ReconcileLoop {
  readonly #options: ReconcileLoopOptions
  readonly #backoff: Backoff
  #started = false
  #stopped = false
  #again = false
  #retrySoon = false
  #running: Promise<void> | undefined
  #cancelTimer: Cancel | undefined

  constructor(options: ReconcileLoopOptions) {
    this.#options = options
    this.#backoff = new Backoff({ ...RETRY, random: options.random })
  }

  get started(): boolean {
    return this.#started
  }

  get busy(): boolean {
    return this.#running !== undefined
  }

  /** From now on it reconciles in the background as well. */
  start(): void {
    this.#started = true
    this.nudge()
  }

  /** Resolves when the reconciliation under way has come to its end. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer?.()
    await this.#running
  }

  /** Asks for one in the background, once started. */
  nudge(): void {
    if (this.#started) void this.reconcile()
  }

  /** Forgets how often it failed: something new is wanted. */
  resetRetries(): void {
    this.#backoff.reset()
  }

  /** Resolves after a reconciliation that began after this call; those asked for meanwhile are one. */
  reconcile(): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    this.#again = true
    this.#running ??= this.#loop()
    return this.#running
  }

  async #loop(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false
      this.#retrySoon = await this.#options.reconcile()
    }
    this.#running = undefined
    this.#schedule()
  }

  #schedule(): void {
    this.#cancelTimer?.()
    if (!this.#started || this.#stopped) return
    this.#cancelTimer = this.#options.clock.after(this.#nextDelayMs(), () => void this.reconcile())
  }

  #nextDelayMs(): number {
    const { random, intervalMs } = this.#options
    if (this.#retrySoon) return this.#backoff.next()
    this.#backoff.reset()
    return intervalMs * (0.9 + 0.2 * random())
  }
}
