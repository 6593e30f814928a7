import { KontrolError } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import { isInZone } from './records/domain-name.ts'
import { checkOwner } from './records/ownership.ts'
import type { DnsProvider, RecordSet, Zone } from './records/record-set.ts'

/** They change by hand and seldom, and an account has five requests a second. */
const CACHE_MS = 30 * 60_000

export interface SurroundedName {
  readonly name: string
  readonly zone: Zone
  /** What stands at it or is wanted there. */
  readonly types: ReadonlySet<string>
  readonly owner: string | undefined
}

/** What stands around a name in its zone and bears on it, looked at twice an hour. */
export class Surroundings {
  readonly #provider: DnsProvider
  readonly #clock: Clock
  readonly #cache = new Map<string, { expiresAt: number; sets: readonly RecordSet[] }>()

  constructor(provider: DnsProvider, clock: Clock) {
    this.#provider = provider
    this.#clock = clock
  }

  /**
   * @throws KontrolError KTL_DNS_NO_ZONE when the zone delegates the name to other name servers,
   * KTL_DNS_CONFLICT when external-dns marked it as another's, or what the provider throws
   */
  async check({ name, zone, types, owner }: SurroundedName, signal: AbortSignal): Promise<void> {
    for (const above of namesBetween(name, zone.name)) {
      await this.#look(zone, above, signal, (sets) => checkDelegation(sets, zone))
    }
    for (const type of ['A', 'AAAA', 'CNAME']) {
      // Newer external-dns has one mark for each type, before the name: a-foo.bar.com.
      const at = `${type.toLowerCase()}-${name}`
      if (types.has(type) && isInZone(at, zone.name)) {
        await this.#look(zone, at, signal, (sets) => checkOwner(sets, owner))
      }
    }
  }

  /** What is wrong is looked at again the next time, as somebody mends it meanwhile. */
  async #look(zone: Zone, name: string, signal: AbortSignal, judge: (sets: readonly RecordSet[]) => void) {
    const key = `${zone.id} ${name}`
    const known = this.#cache.get(key)
    const isFresh = known !== undefined && known.expiresAt > this.#clock.monotonic()
    const sets = isFresh ? known.sets : await this.#provider.listRecordSets(zone.id, name, signal)
    this.#cache.delete(key)
    judge(sets)
    this.#cache.set(key, isFresh ? known : { sets, expiresAt: this.#clock.monotonic() + CACHE_MS })
  }
}

/** @throws KontrolError KTL_DNS_NO_ZONE when other name servers answer for the name and what is below it */
export function checkDelegation(sets: readonly RecordSet[], zone: Zone): void {
  const delegation = sets.find(({ type, name }) => type === 'NS' && name !== zone.name)
  if (delegation === undefined) return
  const servers = delegation.values.join(', ')
  throw new KontrolError(
    'KTL_DNS_NO_ZONE',
    `zone ${zone.name} (${zone.id}) delegates ${delegation.name} to ${servers}, so that nobody would find a record here`,
    { hint: `Create the record where ${delegation.name} is delegated to, or delete its NS record.` }
  )
}

/** From below the zone down to above the name: `c.bar.com`, `b.c.bar.com` for `a.b.c.bar.com` in `bar.com`. */
function namesBetween(name: string, zoneName: string): string[] {
  const between: string[] = []
  for (let above = parentOf(name); above.length > zoneName.length; above = parentOf(above)) between.unshift(above)
  return between
}

const parentOf = (name: string): string => name.slice(name.indexOf('.') + 1)
