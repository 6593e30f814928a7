import { KontrolError, type Problem } from '../errors.ts'
import type { LimitUse } from '../model/limits.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'

export interface LimitWatchOptions {
  readonly uses: () => readonly LimitUse[]
  readonly onNear: (problem: Problem) => void
  readonly clock: Clock
  readonly logger: Pick<Logger, 'warn'>
}

const LOOK_MS = 1_000
const NEAR = 0.8
/** Below this a limit may be told of again. */
const FAR = 0.7

/** Tells of each limit before it is reached. */
export class LimitWatch {
  readonly #options: LimitWatchOptions
  readonly #told = new Set<string>()
  #cancel: Cancel = () => {}

  constructor(options: LimitWatchOptions) {
    this.#options = options
  }

  start(): void {
    this.#cancel = this.#options.clock.after(LOOK_MS, () => {
      this.start()
      for (const use of this.#options.uses()) this.#look(use)
    })
  }

  stop(): void {
    this.#cancel()
  }

  #look({ limit, used, max, of }: LimitUse): void {
    if (used < FAR * max) this.#told.delete(limit)
    if (used < NEAR * max || this.#told.has(limit)) return
    this.#told.add(limit)
    const whose = of === undefined ? '' : ` by ${of}`
    const { problem } = new KontrolError('KTL_LIMIT_NEAR', `${limit}: ${used} of ${max} are used${whose}`, {
      hint: 'Look for who uses so much, or raise the limit: see docs/security.md.'
    })
    this.#options.logger.warn(problem, 'limit nearly reached')
    this.#options.onNear(problem)
  }
}
