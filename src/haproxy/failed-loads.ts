import { Backoff } from '../platform/backoff.ts'
import type { Clock } from '../platform/clock.ts'
import { betweenSteps } from '../platform/turns.ts'
import type { ConfigModel } from './config/model.ts'

/** How a text failed, and how long it is waited until it is loaded again. From the least to the worst. */
const PAUSES = {
  /** Another hand ended the HAProxy that had begun to serve it. Again and again, it may be the kernel's for its memory. */
  killed: { firstMs: 1_000, maxMs: 60_000 },
  /** A reload that fails may refuse connections for seconds. */
  refused: { firstMs: 5_000, maxMs: 60_000 },
  /** Who loaded a text that HAProxy ends of has lost all connections. */
  ended: { firstMs: 60_000, maxMs: 600_000, factor: 3 }
}
export type LoadFailure = keyof typeof PAUSES
const FROM_THE_LEAST = Object.keys(PAUSES)
/** A text that has gone so long without a failure begins anew. */
const FORGET_MS = 900_000
const MAX_REMEMBERED = 8

interface Failure {
  error: unknown
  until: number
  backoff: Backoff
  /** The worst of what became of it. */
  how: LoadFailure
}

/**
 * Texts that HAProxy could not load. Each pod that comes or goes makes a new text of them, with the same reason to
 * fail: they are told apart by what is not a server, and loaded again after growing pauses.
 */
export class FailedLoads {
  readonly #clock: Clock
  readonly #failures = new Map<string, Failure>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns milliseconds until it may be loaded again */
  failed(model: ConfigModel, error: unknown, how: LoadFailure): number {
    const now = this.#clock.monotonic()
    const key = skeletonOf(model)
    const former = this.#failures.get(key)
    this.#failures.delete(key)
    const recent = former !== undefined && now < former.until + FORGET_MS
    const failure = recent && isAsBad(former.how, how) ? former : { how, backoff: new Backoff(PAUSES[how]) }
    const pauseMs = failure.backoff.next()
    this.#failures.set(key, { ...failure, error, until: now + pauseMs })
    for (const oldest of [...this.#failures.keys()].slice(0, -MAX_REMEMBERED)) this.#failures.delete(oldest)
    return pauseMs
  }

  /** @throws what it failed of, while its pause lasts */
  async refuse(text: string, model: ConfigModel): Promise<void> {
    await betweenSteps(text)
    const failure = this.#failures.get(skeletonOf(model))
    if (failure !== undefined && this.#clock.monotonic() < failure.until) throw failure.error
  }
}

const isAsBad = (one: LoadFailure, other: LoadFailure): boolean =>
  FROM_THE_LEAST.indexOf(one) >= FROM_THE_LEAST.indexOf(other)

function skeletonOf({ sections }: ConfigModel): string {
  return sections.map(({ title, text }) => `${title}\n${text}`).join('\0')
}
