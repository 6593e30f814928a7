/** The record types that we write. */
export type AddressType = 'A' | 'AAAA'

/** One record set of a zone, as far as we must know it to leave it alone, change it or delete it. */
export interface RecordSet {
  /** In our spelling, see normalizeDomainName(). */
  readonly name: string
  readonly type: string
  /** Absent on an alias. */
  readonly ttl?: number
  readonly values: readonly string[]
  /** Why it is more than plain values, in words; absent on a plain one. */
  readonly special?: string
  /** The provider's own form of it: a deletion must repeat it to the letter. */
  readonly raw?: unknown
}

interface PlainRecordSet {
  readonly name: string
  readonly type: AddressType | 'TXT'
  /** Seconds. */
  readonly ttl: number
  readonly values: readonly string[]
}

export type RecordChange =
  | { readonly action: 'UPSERT' | 'CREATE'; readonly set: PlainRecordSet }
  | { readonly action: 'DELETE'; readonly set: RecordSet }

export interface Zone {
  readonly id: string
  /** In our spelling. */
  readonly name: string
  readonly isPrivate: boolean
}

export type ChangeStatus = 'PENDING' | 'INSYNC'

/**
 * What we need of a DNS service. All methods throw KontrolErrors whose message
 * tells the operation; the caller adds the domain.
 */
export interface DnsProvider {
  listZones(signal: AbortSignal): Promise<Zone[]>
  getZone(id: string, signal: AbortSignal): Promise<Zone>
  /** Every record set of exactly that name, whatever its type. */
  listRecordSets(zoneId: string, name: string, signal: AbortSignal): Promise<RecordSet[]>
  /** All or nothing. */
  change(
    zoneId: string,
    changes: readonly RecordChange[],
    signal: AbortSignal
  ): Promise<{ id: string; status: ChangeStatus }>
  changeStatus(changeId: string, signal: AbortSignal): Promise<ChangeStatus>
  close(): void
}
