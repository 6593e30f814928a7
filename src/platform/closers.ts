import type { Logger } from './logger.ts'

/** What has to be closed again, newest first, whether or not the start came to its end. */
export class Closers {
  readonly #logger: Logger
  readonly #stack: { name: string; close: () => void | Promise<void> }[] = []

  constructor(logger: Logger) {
    this.#logger = logger
  }

  add(name: string, close: () => void | Promise<void>): void {
    this.#stack.push({ name, close })
  }

  /** Closes everything; one that fails is logged and does not keep the others open. */
  async closeAll(): Promise<void> {
    for (let next = this.#stack.pop(); next !== undefined; next = this.#stack.pop()) {
      try {
        await next.close()
      } catch (error) {
        this.#logger.error({ err: error, part: next.name }, 'not closed cleanly')
      }
    }
  }
}
