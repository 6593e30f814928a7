import type { ErrorCode } from '../errors.ts'
import type { AddressType, ChangeStatus } from './record-set.ts'

/** One record set that we look after, as GET /api/v1/dns shows it. */
export interface DnsRecordStatus {
  readonly name: string
  readonly type: AddressType
  /** Seconds. */
  readonly ttl: number
  readonly wanted: readonly string[]
  /** What stood there at the last look, before the change that it led to; absent before the first one. */
  readonly found?: readonly string[]
  /** Id of the hosted zone. */
  readonly zone?: string
  /** Of the last change that this process made. */
  readonly changeId?: string
  /** PENDING until all name servers of Route53 have it. */
  readonly changeStatus?: ChangeStatus
  readonly lastError?: DnsErrorStatus
  /** Milliseconds since the epoch. */
  readonly lastChecked?: number
  /** What the operator should know although nothing is wrong. */
  readonly note?: string
}

export interface DnsErrorStatus {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string
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
 * What happened: `changed` sent to Route53, `planned` what a dry run left
 * undone, `insync` seen by all name servers, `drifted` changed by somebody else
 * (a `changed` follows), `failed`, and `kept` when no live proxy has an external
 * address and the records stay as they are.
 */
export type DnsEvent =
  | { readonly kind: 'changed' | 'planned' | 'drifted' | 'failed' | 'insync'; readonly record: DnsRecordStatus }
  | { readonly kind: 'kept' }
