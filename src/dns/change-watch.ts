import { findKontrolError } from '../errors.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { ChangeStatus } from './record-set.ts'

export interface ChangeWatchOptions {
  clock: Clock
  ask: (changeId: string) => Promise<ChangeStatus>
  onInSync: (changeId: string) => void
  /** It will not be asked about again; the change itself is on its way regardless. */
  onGivenUp: (changeId: string, error: unknown) => void
}

/** Route53 says "INSYNC within 60 seconds", and its quota is five requests a second for the whole account. */
const FIRST_POLL_MS = 5_000
const SLOWEST_POLL_MS = 30_000
const MAX_POLLS = 40

/** Follows changes in the background until all name servers of Route53 have them. */
export class ChangeWatch {
  readonly #options: ChangeWatchOptions
  readonly #pending = new Map<string, Cancel>()

  constructor(options: ChangeWatchOptions) {
    this.#options = options
  }

  watch(changeId: string): void {
    if (!this.#pending.has(changeId)) this.#pollLater(changeId, 0)
  }

  stop(): void {
    for (const cancel of this.#pending.values()) cancel()
    this.#pending.clear()
  }

  #pollLater(changeId: string, polls: number): void {
    const delayMs = Math.min(SLOWEST_POLL_MS, FIRST_POLL_MS * 1.5 ** polls)
    const cancel = this.#options.clock.after(delayMs, () => void this.#poll(changeId, polls))
    this.#pending.set(changeId, cancel)
  }

  async #poll(changeId: string, polls: number): Promise<void> {
    const { ask, onInSync, onGivenUp } = this.#options
    let failure: unknown = new Error(`still PENDING after ${MAX_POLLS} looks`)
    let status: ChangeStatus = 'PENDING'
    let hopeless = polls + 1 >= MAX_POLLS
    try {
      status = await ask(changeId)
    } catch (error) {
      failure = error
      hopeless ||= findKontrolError(error)?.retryable === false
    }
    if (!this.#pending.has(changeId)) return
    if (status === 'PENDING' && !hopeless) return this.#pollLater(changeId, polls + 1)
    this.#pending.delete(changeId)
    if (status === 'INSYNC') onInSync(changeId)
    else onGivenUp(changeId, failure)
  }
}
