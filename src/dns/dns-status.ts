import type { Problem } from '../errors.ts'
import type { AddressType, ChangeStatus } from './record-set.ts'

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
  readonly records: readonly DnsRecordStatus[]
}

/**
 * What happened: `changed` sent to Route53 and accepted, `planned` what was held
 * back by a dry run, `insync` seen by all name servers, `drifted` changed by
 * somebody else (a `changed` follows), `failed`, and `kept` when no live proxy
 * has an external address and the records stay as they are.
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
