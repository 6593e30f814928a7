import { Listeners, type Unsubscribe } from '../platform/listeners.ts'
import type { Logger } from '../platform/logger.ts'
import type { DnsEvent } from './dns-status.ts'

/** Tells what happened: to the log, and to whoever listens. */
export class DnsEvents {
  readonly #logger: Logger
  readonly #listeners: Listeners<DnsEvent>

  constructor(logger: Logger) {
    this.#logger = logger
    this.#listeners = new Listeners('dns', logger)
  }

  /** A listener that throws does not keep the record from being right. */
  subscribe(listener: (event: DnsEvent) => void): Unsubscribe {
    return this.#listeners.subscribe(listener)
  }

  publish(events: readonly DnsEvent[]): void {
    for (const event of events) {
      logEvent(this.#logger, event)
      this.#listeners.emit(event)
    }
  }
}

/** One line for each thing that happened, at the level of who must act. */
function logEvent(logger: Logger, event: DnsEvent): void {
  if (event.kind === 'kept') {
    logger.warn('no live proxy has an external address, dns records are left as they are')
    return
  }
  const { name, type, ttl, wanted: to, zone, changeId, lastError } = event.record
  switch (event.kind) {
    case 'changed':
      logger.info({ name, type, ttl, from: event.from, to, zone, changeId }, 'dns record changed')
      return
    case 'planned':
      logger.info({ name, type, ttl, from: event.from, to, zone }, 'dns record would change, held back')
      return
    case 'drifted':
      logger.warn({ name, type, found: event.from, wanted: to, zone }, 'dns record was changed by somebody else')
      return
    case 'insync':
      logger.info({ name, type, changeId }, 'dns record is on all name servers')
      return
    case 'failed':
      logger.error({ name, type, wanted: to, ...lastError }, 'dns record is not in line')
      return
  }
}
