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
  readonly #backoff = new Backoff({ firstMs: 5_000, maxMs: 60_000 })
  #cancel: Cancel = () => {}

  constructor(deps: RetryDeps) {
    this.#deps = deps
  }

  /** To be told of every reconfiguration that has ended. */
  ended({ outcome, error }: Reconfiguration): void {
    this.#cancel()
    if (outcome !== 'failed') {
      this.#backoff.reset()
      return
    }
    if (error === null || !catalogue[error.code].retryable) return
    const { code } = error
    this.#cancel = this.#deps.clock.after(this.#backoff.next(), () => this.#deps.again(`trying again after ${code}`))
  }

  stop(): void {
    this.#cancel()
  }
}
