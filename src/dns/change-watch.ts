import { findKontrolError } from '../errors.ts'
import { Backoff } from '../platform/backoff.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { ChangeStatus } from './records/record-set.ts'

export interface ChangeWatchOptions {
  clock: Clock
  ask: (changeId: string) => Promise<ChangeStatus>
  onInSync: (changeId: string) => void
  /** It will not be asked about again; the change itself is on its way regardless. */
  onGivenUp: (changeId: string, error: unknown) => void
}

/** Route53 says "INSYNC within 60 seconds", and its quota is five requests a second for the whole account. */
const POLL = { firstMs: 5_000, maxMs: 30_000, factor: 1.5 }
const MAX_POLLS = 40

/** Follows changes in the background until all name servers of Route53 have them. */
export class ChangeWatch {
  readonly #options: ChangeWatchOptions
  readonly #pending = new Map<string, Cancel>()

  constructor(options: ChangeWatchOptions) {
    this.#options = options
  }

  watch(changeId: string): void {
    if (!this.#pending.has(changeId)) this.#pollLater(changeId, MAX_POLLS, new Backoff(POLL))
  }

  stop(): void {
    for (const cancel of this.#pending.values()) cancel()
    this.#pending.clear()
  }

  #pollLater(changeId: string, left: number, backoff: Backoff): void {
    const cancel = this.#options.clock.after(backoff.next(), () => void this.#poll(changeId, left - 1, backoff))
    this.#pending.set(changeId, cancel)
  }

  async #poll(changeId: string, left: number, backoff: Backoff): Promise<void> {
    const { ask, onInSync, onGivenUp } = this.#options
    let failure: unknown = new Error(`still PENDING after ${MAX_POLLS} looks`)
    let status: ChangeStatus = 'PENDING'
    let hopeless = left === 0
    try {
      status = await ask(changeId)
    } catch (error) {
      failure = error
      hopeless ||= findKontrolError(error)?.retryable === false
    }
    if (!this.#pending.has(changeId)) return
    if (status === 'PENDING' && !hopeless) return this.#pollLater(changeId, left, backoff)
    this.#pending.delete(changeId)
    if (status === 'INSYNC') onInSync(changeId)
    else onGivenUp(changeId, failure)
  }
}
