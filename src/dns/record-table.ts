import type { KontrolError } from '../errors.ts'
import type { DnsErrorStatus, DnsEvent, DnsRecordStatus } from './dns-status.ts'
import type { AddressType } from './record-set.ts'
import type { RecordOutcome } from './reconcile.ts'

/** Remembers what each record was found to be, and tells what is new about it. */
export class RecordTable {
  #rows = new Map<string, DnsRecordStatus>()

  has(name: string, type: AddressType): boolean {
    return this.#rows.has(keyOf({ name, type }))
  }

  rows(): DnsRecordStatus[] {
    return [...this.#rows.values()]
  }

  clear(): void {
    this.#rows.clear()
  }

  /** Takes over one pass; records that it did not meet are forgotten. */
  apply(outcomes: readonly RecordOutcome[], ttl: number, now: number): DnsEvent[] {
    const rows = new Map<string, DnsRecordStatus>()
    const events: DnsEvent[] = []
    for (const outcome of outcomes) {
      const key = keyOf(outcome)
      const before = this.#rows.get(key)
      const record = toStatus(outcome, before, ttl, now)
      rows.set(key, record)
      events.push(...eventsOf(outcome, before, record))
    }
    this.#rows = rows
    return events
  }

  settle(changeId: string): DnsEvent[] {
    const events: DnsEvent[] = []
    for (const [key, row] of this.#rows) {
      if (row.changeId !== changeId) continue
      const record = { ...row, changeStatus: 'INSYNC' as const }
      this.#rows.set(key, record)
      events.push({ kind: 'insync', record })
    }
    return events
  }
}

function toStatus(
  outcome: RecordOutcome,
  before: DnsRecordStatus | undefined,
  ttl: number,
  now: number
): DnsRecordStatus {
  const { name, type, wanted, note, error } = outcome
  const found = outcome.found ?? before?.found
  const zone = outcome.zone ?? before?.zone
  const changeId = outcome.change?.id ?? before?.changeId
  const changeStatus = outcome.change?.status ?? before?.changeStatus
  return {
    name,
    type,
    ttl,
    wanted,
    lastChecked: now,
    ...(found !== undefined && { found }),
    ...(zone !== undefined && { zone }),
    ...(changeId !== undefined && { changeId }),
    ...(changeStatus !== undefined && { changeStatus }),
    ...(note !== undefined && { note }),
    ...(error !== undefined && { lastError: toErrorStatus(error) })
  }
}

function eventsOf(
  { outcome }: RecordOutcome,
  before: DnsRecordStatus | undefined,
  record: DnsRecordStatus
): DnsEvent[] {
  switch (outcome) {
    case 'submitted':
      return hasDrifted(before, record)
        ? [
            { kind: 'drifted', record },
            { kind: 'changed', record }
          ]
        : [{ kind: 'changed', record }]
    case 'planned':
      return sameTarget(before, record) ? [] : [{ kind: 'planned', record }]
    case 'failed':
      return [{ kind: 'failed', record }]
    case 'unchanged':
      return []
  }
}

/** It was right at the last look, and we want nothing else since. */
const hasDrifted = (before: DnsRecordStatus | undefined, record: DnsRecordStatus): boolean =>
  before?.lastError === undefined && sameTarget(before, record)

const sameTarget = (before: DnsRecordStatus | undefined, { ttl, wanted }: DnsRecordStatus): boolean =>
  before?.lastChecked !== undefined && before.ttl === ttl && before.wanted.join() === wanted.join()

function toErrorStatus({ code, message, hint }: KontrolError): DnsErrorStatus {
  return { code, message, ...(hint !== undefined && { hint }) }
}

const keyOf = ({ name, type }: { name: string; type: AddressType }): string => `${type} ${name}`
