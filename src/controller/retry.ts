import { catalogue } from '../errors.ts'
import type { Reconfiguration } from '../model/reconfiguration.ts'
import { Backoff } from '../platform/backoff.ts'
import type { Cancel, Clock } from '../platform/clock.ts'

export interface RetryDeps {
  clock: Clock
  /** Asks for another reconfiguration. */
  again: (cause: string) => void
}

/**
 * Tries again what failed for a reason that may pass by itself, such as a port
 * that another program still holds: with growing pauses, until one ends well.
 * A broken template waits for its repair.
 */
export class Retry {
  readonly #deps: RetryDeps
  /** What passes often passes within seconds: a disk has room again, another program has ended. */
  readonly #backoff = new Backoff({ firstMs: 1_000, maxMs: 60_000, factor: 1.5 })
  #due: Cancel | undefined

  constructor(deps: RetryDeps) {
    this.#deps = deps
  }

  /** To be told of every reconfiguration that has ended. */
  ended({ outcome, error }: Reconfiguration): void {
    if (outcome !== 'failed') {
      this.stop()
      this.#backoff.reset()
      return
    }
    const code = error?.code
    if (code === undefined || !catalogue[code].retryable) return this.stop()
    // Each pod that comes or goes meanwhile fails as well: that says nothing about when it is worth another try.
    this.#due ??= this.#deps.clock.after(this.#backoff.next(), () => {
      this.#due = undefined
      this.#deps.again(`trying again after ${code}`)
    })
  }

  stop(): void {
    this.#due?.()
    this.#due = undefined
  }
}
