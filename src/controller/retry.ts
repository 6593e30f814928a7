import { catalogue, type ErrorCode } from '../errors.ts'
import type { Reconfiguration } from '../model/reconfiguration.ts'
import type { Cancel, Clock } from '../platform/clock.ts'

export interface RetryDeps {
  clock: Clock
  /** Asks for another round. */
  again: (cause: string) => void
}

const FIRST_MS = 5_000
const LONGEST_MS = 60_000

/**
 * Tries again what failed for a reason that may pass by itself, such as a port
 * that another program still holds: with growing pauses, until a round ends well.
 * A broken template waits for its repair.
 */
export class Retry {
  readonly #deps: RetryDeps
  #pauseMs = FIRST_MS
  #cancel: Cancel = () => {}

  constructor(deps: RetryDeps) {
    this.#deps = deps
  }

  /** To be told of every round that has ended. */
  ended({ outcome, error }: Reconfiguration): void {
    this.#cancel()
    if (outcome !== 'failed') {
      this.#pauseMs = FIRST_MS
      return
    }
    const code = error?.code ?? ''
    if (!Object.hasOwn(catalogue, code) || !catalogue[code as ErrorCode].retryable) return
    this.#cancel = this.#deps.clock.after(this.#pauseMs, () => this.#deps.again(`trying again after ${code}`))
    this.#pauseMs = Math.min(LONGEST_MS, this.#pauseMs * 2)
  }

  stop(): void {
    this.#cancel()
  }
}
