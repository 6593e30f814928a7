import { writeFileAtomic } from '../platform/files/atomic-file.ts'
import type { Action } from '../lifecycle/step-runner.ts'
import type { Logger } from '../platform/logger.ts'

export interface ExternalAddressOptions {
  /** Of this proxy; absent where clients do not come by DNS. */
  eip: string | undefined
  payloadFile: string
  logger: Logger
}

/**
 * The external address of this proxy, told to the masters by its payload. From there it gets into DNS, and clients
 * come: so it is told once HAProxy has something to serve, and stays told.
 */
export class ExternalAddress {
  readonly #options: ExternalAddressOptions
  #told = false

  constructor(options: ExternalAddressOptions) {
    this.#options = options
  }

  async tell(): Promise<void> {
    const { eip, payloadFile, logger } = this.#options
    if (eip === undefined || this.#told) return
    try {
      await writeFileAtomic(payloadFile, JSON.stringify({ eip }))
      this.#told = true
    } catch (err) {
      // What was done for HAProxy is done; the next time it is tried again.
      logger.error({ err, path: payloadFile }, 'external address not told')
    }
  }

  /** The step, and then the address, where it ended with HAProxy running what was wanted. */
  after(step: Action, outcomes: readonly string[]): Action {
    return async (context) => {
      const result = await step(context)
      if (outcomes.includes(typeof result === 'string' ? result : result.outcome)) await this.tell()
      return result
    }
  }
}
