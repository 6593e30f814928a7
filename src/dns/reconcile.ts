import { findKontrolError, KontrolError, messageOf } from '../errors.ts'
import type { AddressesByType } from './records/addresses.ts'
import type { DnsSettings } from './dns-settings.ts'
import { type NamePlan, planName, type PlannedRecord } from './records/plan-records.ts'
import { checkOwner } from './records/ownership.ts'
import type { AddressType, ChangeStatus, DnsProvider, RecordChange, RecordSet, Zone } from './records/record-set.ts'
import { checkDelegation, type Surroundings } from './surroundings.ts'
import type { Zones } from './zones.ts'

export interface DnsConnection {
  readonly provider: DnsProvider
  readonly zones: Zones
  readonly surroundings: Surroundings
}

export interface ReconcileInput {
  readonly connect: () => Promise<DnsConnection>
  readonly settings: DnsSettings
  /** At least one address. */
  readonly wanted: AddressesByType
  readonly isOurs: (address: string) => boolean
  /** What others put there stays: not all proxies may be known yet. */
  readonly addOnly?: boolean
  readonly ownAddress?: string | undefined
  /** Asked before each write, as leadership may be lost on the way; false: look and do not touch. */
  readonly mayWrite: () => boolean
  readonly signal: AbortSignal
}

export interface RecordOutcome {
  readonly name: string
  readonly type: AddressType
  readonly wanted: readonly string[]
  readonly outcome: 'unchanged' | 'submitted' | 'planned' | 'failed'
  /** Absent when we did not get as far as looking. */
  readonly seen?: { readonly zone: string; readonly found: readonly string[] }
  readonly change?: { readonly changeId: string; readonly changeStatus: ChangeStatus }
  readonly note?: string | undefined
  readonly error?: KontrolError
}

interface PlannedName extends NamePlan {
  readonly name: string
  readonly zone: Zone
}

/**
 * One look at every name, and one change batch for each zone where something
 * differs. A name that fails does not stop the others. Never rejects.
 */
export async function reconcile(input: ReconcileInput): Promise<RecordOutcome[]> {
  const outcomes: RecordOutcome[] = []
  const plans: PlannedName[] = []
  let outage: KontrolError | undefined
  for (const name of input.settings.names) {
    const plan = outage ?? (await lookAt(name, input))
    if (plan instanceof KontrolError) {
      outcomes.push(...failedName(name, input.wanted, plan))
      if (concernsAll(plan)) outage = plan
    } else {
      plans.push(plan)
    }
  }

  const zoneIds = new Set(plans.map(({ zone }) => zone.id))
  for (const zoneId of zoneIds) {
    const changing = plans.filter(({ zone, changes }) => zone.id === zoneId && changes.length > 0)
    for (const batch of packBatches(changing)) outcomes.push(...(await submit(zoneId, batch, input)))
  }
  const unchanged = plans.filter(({ changes }) => changes.length === 0)
  return [...outcomes, ...unchanged.flatMap((plan) => outcomesOf(plan, 'unchanged'))]
}

/** Without credentials or network the other names would only wait for the same answer. */
const concernsAll = ({ code }: KontrolError): boolean =>
  code === 'KTL_DNS_UNAVAILABLE' || code === 'KTL_DNS_NO_CREDENTIALS'

async function lookAt(name: string, input: ReconcileInput): Promise<PlannedName | KontrolError> {
  const { settings, wanted, isOurs, addOnly = false, ownAddress, signal } = input
  const { ttl, overwrite, zoneId, owner } = settings
  try {
    const { provider, zones, surroundings } = await input.connect()
    const zone = await zones.find(name, zoneId, signal)
    const found = await provider.listRecordSets(zone.id, name, signal).catch((error: unknown) => {
      // The zone that we remembered may have been deleted and made anew.
      if (findKontrolError(error, 'KTL_DNS_NO_ZONE') !== undefined) zones.forget()
      throw error
    })
    checkDelegation(found, zone)
    checkOwner(found, owner)
    await surroundings.check({ name, zone, types: typesAt(found, wanted), owner }, signal)
    return { name, zone, ...planName({ name, ttl, wanted, found, overwrite, owner, isOurs, addOnly, ownAddress }) }
  } catch (error) {
    return toKontrolError(error)
  }
}

/** Those that stand there or shall; external-dns marks an alias as what it stands for, a CNAME. */
function typesAt(found: readonly RecordSet[], wanted: AddressesByType): Set<string> {
  const wantedTypes = (['A', 'AAAA'] as const).filter((type) => wanted[type].length > 0)
  const foundTypes = found.flatMap(({ type, special }) => (special === undefined ? [type] : [type, 'CNAME']))
  return new Set([...wantedTypes, ...foundTypes])
}

async function submit(zoneId: string, batch: readonly PlannedName[], input: ReconcileInput): Promise<RecordOutcome[]> {
  if (!input.mayWrite()) return batch.flatMap((plan) => outcomesOf(plan, 'planned'))
  try {
    const { provider } = await input.connect()
    const changes = batch.flatMap((plan) => plan.changes)
    const { id: changeId, status: changeStatus } = await provider.change(zoneId, changes, input.signal)
    const change = { changeId, changeStatus }
    return batch.flatMap((plan) => outcomesOf(plan, 'submitted', { change }))
  } catch (error) {
    const known = toKontrolError(error)
    // One bad name spoils the whole batch: let the good ones through.
    if (known.code === 'KTL_DNS_REFUSED' && batch.length > 1) {
      const single: RecordOutcome[] = []
      for (const plan of batch) single.push(...(await submit(zoneId, [plan], input)))
      return single
    }
    return batch.flatMap((plan) => outcomesOf(plan, 'failed', { error: naming(plan.name, known) }))
  }
}

function outcomesOf(
  { name, zone, records }: PlannedName,
  outcome: RecordOutcome['outcome'],
  extra: Pick<RecordOutcome, 'change' | 'error'> = {}
): RecordOutcome[] {
  return records.map(({ type, wanted, found, note, changed }: PlannedRecord) => ({
    name,
    type,
    wanted,
    seen: { zone: zone.id, found },
    note,
    ...(changed ? { outcome, ...extra } : { outcome: 'unchanged' as const })
  }))
}

function failedName(name: string, wanted: AddressesByType, error: KontrolError): RecordOutcome[] {
  const types = (['A', 'AAAA'] as const).filter((type) => wanted[type].length > 0)
  return types.map((type) => ({ name, type, wanted: wanted[type], outcome: 'failed', error: naming(name, error) }))
}

function naming(name: string, error: KontrolError): KontrolError {
  const { code, message, hint } = error
  return new KontrolError(code, `${name}: ${message}`, { cause: error, ...(hint !== undefined && { hint }) })
}

function toKontrolError(error: unknown): KontrolError {
  return findKontrolError(error) ?? new KontrolError('KTL_UNEXPECTED', messageOf(error), { cause: error })
}

/** Limits of one ChangeResourceRecordSets request; an UPSERT counts twice, as it deletes and creates. */
const MAX_RECORDS = 1000
const MAX_VALUE_CHARACTERS = 32_000

interface NamedChanges {
  readonly changes: readonly RecordChange[]
}

/**
 * Puts the changes of a zone into as few requests as its limits allow: one,
 * unless there are hundreds of proxies. The changes of one name stay together,
 * as they are right only together.
 */
export function packBatches<T extends NamedChanges>(plans: readonly T[]): T[][] {
  const batches: T[][] = []
  let records = 0
  let characters = 0
  for (const plan of plans) {
    const size = sizeOf(plan.changes)
    records += size.records
    characters += size.characters
    const current = batches.at(-1)
    if (current !== undefined && records <= MAX_RECORDS && characters <= MAX_VALUE_CHARACTERS) {
      current.push(plan)
      continue
    }
    batches.push([plan])
    ;({ records, characters } = size)
  }
  return batches
}

function sizeOf(changes: readonly RecordChange[]): { records: number; characters: number } {
  let records = 0
  let characters = 0
  for (const { action, set } of changes) {
    const weight = action === 'UPSERT' ? 2 : 1
    records += weight * Math.max(1, set.values.length)
    characters += weight * set.values.join('').length
  }
  return { records, characters }
}
