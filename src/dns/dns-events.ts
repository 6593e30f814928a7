import type { Logger } from '../platform/logger.ts'
import type { DnsEvent } from './dns-status.ts'

type Listener = (event: DnsEvent) => void

/** Tells what happened: to the log, and to whoever listens. */
export class DnsEvents {
  readonly #logger: Logger
  readonly #listeners = new Set<Listener>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** @returns what takes the listener off again */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  publish(events: readonly DnsEvent[]): void {
    for (const event of events) {
      logEvent(this.#logger, event)
      for (const listener of this.#listeners) this.#tell(listener, event)
    }
  }

  #tell(listener: Listener, event: DnsEvent): void {
    try {
      listener(event)
    } catch (err) {
      // Whoever listens must not keep the record from being right.
      this.#logger.error({ err, kind: event.kind }, 'dns listener failed')
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
