import { Backoff } from '../platform/backoff.ts'
import type { Cancel, Clock } from '../platform/clock.ts'

export interface PassLoopOptions {
  clock: Clock
  /** From 0 to 1; spreads the passes, so that many processes do not come at once. */
  random: () => number
  /** Milliseconds between two passes when all is well, give or take a tenth. */
  intervalMs: number
  /** Must not reject. True: try again soon, as what failed may pass by itself. */
  pass: () => Promise<boolean>
}

const RETRY = { firstMs: 1_000, maxMs: 60_000, jitter: 0.5 }

/** Runs passes one at a time: on demand, with growing pauses after failures, and now and then anyway. */
export class PassLoop {
  readonly #options: PassLoopOptions
  readonly #backoff: Backoff
  #started = false
  #stopped = false
  #again = false
  #retrySoon = false
  #running: Promise<void> | undefined
  #cancelTimer: Cancel | undefined

  constructor(options: PassLoopOptions) {
    this.#options = options
    this.#backoff = new Backoff({ ...RETRY, random: options.random })
  }

  get started(): boolean {
    return this.#started
  }

  get busy(): boolean {
    return this.#running !== undefined
  }

  /** From now on passes run in the background as well. */
  start(): void {
    this.#started = true
    this.nudge()
  }

  /** Resolves when the pass under way has come to its end. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer?.()
    await this.#running
  }

  /** Asks for a pass in the background, once started. */
  nudge(): void {
    if (this.#started) void this.run()
  }

  /** Forgets how often it failed: something new is wanted. */
  resetRetries(): void {
    this.#backoff.reset()
  }

  /** Resolves after a pass that began after this call; passes asked for meanwhile are one. */
  run(): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    this.#again = true
    this.#running ??= this.#loop()
    return this.#running
  }

  async #loop(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false
      this.#retrySoon = await this.#options.pass()
    }
    this.#running = undefined
    this.#schedule()
  }

  #schedule(): void {
    this.#cancelTimer?.()
    if (!this.#started || this.#stopped) return
    this.#cancelTimer = this.#options.clock.after(this.#nextDelayMs(), () => void this.run())
  }

  #nextDelayMs(): number {
    const { random, intervalMs } = this.#options
    if (this.#retrySoon) return this.#backoff.next()
    this.#backoff.reset()
    return intervalMs * (0.9 + 0.2 * random())
  }
}
