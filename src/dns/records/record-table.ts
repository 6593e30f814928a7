import { KontrolError, problemOf } from '../../errors.ts'
import type { AddressesByType } from './addresses.ts'
import type { DnsSettings } from '../dns-settings.ts'
import type { DnsEvent, DnsRecordStatus } from '../dns-status.ts'
import type { AddressType } from './record-set.ts'
import type { RecordOutcome } from '../reconcile.ts'

/** Remembers what each record was found to be, and tells what is new about it. */
export class RecordTable {
  #rows = new Map<string, DnsRecordStatus>()

  /** By name, in the order of the settings. What is wanted is in it before the first look, and at a follower, as well. */
  list({ names, ttl }: Pick<DnsSettings, 'names' | 'ttl'>, wanted: AddressesByType): DnsRecordStatus[] {
    const pending = names.flatMap((name) =>
      (['A', 'AAAA'] as const)
        .filter((type) => wanted[type].length > 0 && !this.#rows.has(keyOf({ name, type })))
        .map((type) => ({ name, type, ttl, wanted: wanted[type] }))
    )
    return [...this.#rows.values(), ...pending].sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
  }

  /** All that failed in the last reconciliation, as one error. */
  failure(): KontrolError | undefined {
    const failures = [...this.#rows.values()].flatMap(({ lastError }) => lastError ?? [])
    const [first] = failures
    if (first === undefined) return undefined
    const message = [...new Set(failures.map((failure) => failure.message))].join('; ')
    return new KontrolError(first.code, message, first.hint === undefined ? {} : { hint: first.hint })
  }

  clear(): void {
    this.#rows.clear()
  }

  /** Takes over the outcomes of one reconciliation; records that it did not meet are forgotten. */
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
  { name, type, wanted, outcome, seen, change, note, error }: RecordOutcome,
  before: DnsRecordStatus | undefined,
  ttl: number,
  now: number
): DnsRecordStatus {
  return {
    ...before,
    ...seen,
    ...change,
    ...(outcome === 'submitted' && { found: wanted }),
    name,
    type,
    ttl,
    wanted,
    note,
    lastError: error && problemOf(error),
    lastChecked: now
  }
}

function eventsOf(
  { outcome, seen }: RecordOutcome,
  before: DnsRecordStatus | undefined,
  record: DnsRecordStatus
): DnsEvent[] {
  const from = seen?.found ?? []
  switch (outcome) {
    case 'submitted': {
      const changed = { kind: 'changed', record, from } as const
      return hasDrifted(before, record) ? [{ kind: 'drifted', record, from }, changed] : [changed]
    }
    case 'planned':
      return sameTarget(before, record) ? [] : [{ kind: 'planned', record, from }]
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

const keyOf = ({ name, type }: { name: string; type: AddressType }): string => `${type} ${name}`
