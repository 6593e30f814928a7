import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Store } from './store.ts'

export interface RecoveryOptions {
  store: Pick<Store, 'filled'>
  clock: Clock
  logger: Logger
  ttlMs: number
  /** HAProxy still has servers: a store that is not known to have been filled has lost them. */
  expectsPods: boolean
}

/**
 * The first TTL of a store that has taken the place of a lost one: by its end
 * every slave that lives has sent a keepalive, so that all pods are known. The
 * store remembers that it has passed, or that there was nothing to wait for.
 */
export class Recovery {
  readonly #options: RecoveryOptions
  readonly #ended: Promise<void>
  #end: () => void = () => {}
  #until: number | undefined
  #cancel: Cancel = () => {}

  constructor(options: RecoveryOptions) {
    this.#options = options
    this.#ended = new Promise((resolve) => (this.#end = resolve))
  }

  begin(): void {
    const { clock, logger, ttlMs, expectsPods } = this.#options
    if (!expectsPods) return this.#finish()
    this.#cancel = clock.after(ttlMs, () => this.#finish())
    this.#until = clock.now() + ttlMs
    logger.warn({ forMs: ttlMs }, 'registry was lost, nothing changes until its pods have reported again')
  }

  /** While pods are missing that HAProxy serves: until when, in milliseconds since the epoch. */
  get until(): number | undefined {
    return this.#until
  }

  /** Resolves when `until` has passed. */
  get ended(): Promise<void> {
    return this.#ended
  }

  stop(): void {
    this.#cancel()
  }

  #finish(): void {
    const { store, logger } = this.#options
    this.#until = undefined
    this.#end()
    // The next start waits once more then, which does no harm.
    store.filled().catch((err: unknown) => logger.warn({ err }, 'registry not marked as filled'))
  }
}
