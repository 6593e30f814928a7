import type { Problem } from '../errors.ts'
import { Listeners, type Unsubscribe } from '../platform/listeners.ts'
import type { Logger } from '../platform/logger.ts'
import type { AddressType, ChangeStatus } from './records/record-set.ts'

/** One record set that we look after, as GET /api/v1/dns shows it. */
export interface DnsRecordStatus {
  readonly name: string
  readonly type: AddressType
  /** Seconds. */
  readonly ttl: number
  readonly wanted: readonly string[]
  /** What Route53 holds, as far as we know: from the last look or the last change. */
  readonly found?: readonly string[] | undefined
  /** Id of the hosted zone. */
  readonly zone?: string | undefined
  /** Of the last change that this process made. */
  readonly changeId?: string | undefined
  /** PENDING until all name servers of Route53 have it. */
  readonly changeStatus?: ChangeStatus | undefined
  readonly lastError?: Problem | undefined
  /** Milliseconds since the epoch. */
  readonly lastChecked?: number | undefined
  /** What the operator should know although nothing is wrong. */
  readonly note?: string | undefined
}

export interface DnsStatus {
  /** Whether the proxy pod carries the annotation. */
  readonly enabled: boolean
  /** Whether this process is the one that writes. */
  readonly leader: boolean
  readonly dryRun: boolean
  readonly note?: string
  /** Addresses of live proxies that `route53-networks` keeps out of the records. */
  readonly refused: readonly string[]
  readonly records: readonly DnsRecordStatus[]
}

/**
 * What happened: `changed` sent to Route53 and accepted, `planned` what was held
 * back by a dry run, `insync` seen by all name servers, `drifted` changed by
 * somebody else (a `changed` follows), `failed`, `kept` when no live proxy
 * has an external address and the records stay as they are, and `refused` when
 * other addresses than before are in none of the networks that are allowed.
 */
export type DnsEvent =
  | {
      readonly kind: 'changed' | 'planned' | 'drifted'
      readonly record: DnsRecordStatus
      /** The values that stood there before. */
      readonly from: readonly string[]
    }
  | { readonly kind: 'failed' | 'insync'; readonly record: DnsRecordStatus }
  | { readonly kind: 'kept' }
  | { readonly kind: 'refused'; readonly addresses: readonly string[]; readonly networks: readonly string[] }

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
  if (event.kind === 'refused') {
    const { addresses, networks } = event
    logger.warn({ addresses, networks }, 'dns records go without addresses that route53-networks does not allow')
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
      logger.error({ name, type, wanted: to, ...lastError }, 'dns record out of sync')
      return
  }
}
