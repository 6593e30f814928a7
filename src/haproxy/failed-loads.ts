import { Backoff } from '../platform/backoff.ts'
import type { Clock } from '../platform/clock.ts'
import { betweenSteps } from '../platform/turns.ts'
import type { ConfigModel } from './config/model.ts'

/** A reload that fails may refuse connections for seconds. */
const OF_A_RELOAD = { firstMs: 5_000, maxMs: 60_000 }
/** Who loaded a text that HAProxy ends of has lost all connections. */
const OF_A_DEATH = { firstMs: 60_000, maxMs: 600_000, factor: 3 }
/** A text that has gone so long without a failure begins anew. */
const FORGET_MS = 900_000
const MAX_REMEMBERED = 8

interface Failure {
  error: unknown
  until: number
  backoff: Backoff
  /** HAProxy ended of it, and did not only refuse it. */
  died: boolean
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
  failed(model: ConfigModel, error: unknown, died = false): number {
    const now = this.#clock.monotonic()
    const key = skeletonOf(model)
    const former = this.#failures.get(key)
    this.#failures.delete(key)
    const recent = former !== undefined && now < former.until + FORGET_MS
    const backoff = recent && (former.died || !died) ? former.backoff : new Backoff(died ? OF_A_DEATH : OF_A_RELOAD)
    const pauseMs = backoff.next()
    this.#failures.set(key, { error, until: now + pauseMs, backoff, died: died || (recent && former.died) })
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

function skeletonOf({ sections }: ConfigModel): string {
  return sections.map(({ title, text }) => `${title}\n${text}`).join('\0')
}
