import type { Logger } from './logger.ts'

export type Unsubscribe = () => void

/**
 * Who wants to hear of one kind of event. A listener that throws is logged and
 * harms neither the others nor the one who tells: that may be a keepalive.
 */
export class Listeners<Event> {
  readonly #topic: string
  readonly #logger: Pick<Logger, 'error'>
  readonly #listeners = new Set<(event: Event) => void>()

  /** @param topic what is told, for the log line of a listener that fails */
  constructor(topic: string, logger: Pick<Logger, 'error'>) {
    this.#topic = topic
    this.#logger = logger
  }

  subscribe(listener: (event: Event) => void): Unsubscribe {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  emit(event: Event): void {
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (err) {
        this.#logger.error({ err, topic: this.#topic }, 'listener failed')
      }
    }
  }
}
