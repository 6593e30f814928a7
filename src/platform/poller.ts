import type { Cancel, Clock } from './clock.ts'

export interface PollerOptions {
  clock: Clock
  /** Milliseconds from the end of one poll to the begin of the next. */
  intervalMs: number
  poll: () => Promise<void>
  /** Gets what a poll threw; the next one comes all the same. */
  onError: (error: unknown) => void
}

/** Polls until it is stopped, never twice at once. */
export class Poller {
  readonly #options: PollerOptions
  #polling: Promise<void> = Promise.resolve()
  #cancel: Cancel = () => {}
  #started = false
  #stopped = false

  constructor(options: PollerOptions) {
    this.#options = options
  }

  get started(): boolean {
    return this.#started
  }

  get stopped(): boolean {
    return this.#stopped
  }

  /** The first poll comes after an interval. A second call, or one after `stop()`, does nothing. */
  start(): void {
    if (this.#started || this.#stopped) return
    this.#started = true
    this.#later()
  }

  /** The first poll begins at once. */
  startNow(): void {
    if (this.#started || this.#stopped) return
    this.#started = true
    this.#polling = this.#once()
  }

  /** For good. Resolves when the poll under way has ended: not to be awaited within one. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    await this.#polling
  }

  #later(): void {
    const { clock, intervalMs } = this.#options
    this.#cancel = clock.after(intervalMs, () => {
      this.#polling = this.#once()
    })
  }

  async #once(): Promise<void> {
    try {
      await this.#options.poll()
    } catch (error) {
      this.#options.onError(error)
    }
    if (!this.#stopped) this.#later()
  }
}
