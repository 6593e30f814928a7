import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { type Check, checkName, runCheck } from './check.ts'
import { Health } from './health.ts'

export interface HealthWatchOptions {
  check: Check
  /** Milliseconds from one check to the next, and what one may take. */
  intervalMs: number
  rise: number
  fall: number
  onUp: () => void
  onDown: () => void
  clock: Clock
  logger: Logger
  run?: typeof runCheck
}

/** Checks the service of this pod again and again, and tells when it becomes well and when it no longer is. */
export class HealthWatch {
  readonly #options: HealthWatchOptions
  readonly #health: Health
  #cancel: Cancel | undefined
  #stopped = false
  #lastReason: string | undefined

  constructor(options: HealthWatchOptions) {
    this.#options = options
    this.#health = new Health(options)
  }

  start(): void {
    void this.#look()
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  async #look(): Promise<void> {
    const { check, intervalMs, clock, run = runCheck } = this.#options
    const startedAt = clock.monotonic()
    const reason = await run(check, intervalMs)
    if (this.#stopped) return
    this.#take(reason)
    const delayMs = Math.max(0, startedAt + intervalMs - clock.monotonic())
    this.#cancel = clock.after(delayMs, () => void this.#look())
  }

  #take(reason: string | undefined): void {
    const { check, onUp, onDown, logger } = this.#options
    const wasUp = this.#health.isUp
    const changed = this.#health.take(reason === undefined)
    const name = checkName(check)
    if (changed && wasUp) {
      logger.warn({ check: name, reason }, 'service is not well, this pod leaves')
      onDown()
    } else if (changed) {
      logger.info({ check: name }, 'service is well, this pod reports')
      onUp()
    } else if (!wasUp && reason !== undefined && reason !== this.#lastReason) {
      logger.info({ check: name, reason }, 'service is not well yet')
    }
    this.#lastReason = reason
  }
}
