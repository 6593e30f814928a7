import { KontrolError } from '../../errors.ts'
import { canonicalAddress, type AddressesByType } from './addresses.ts'
import { planMark } from './ownership.ts'
import type { AddressType, RecordChange, RecordSet } from './record-set.ts'

/** Route53 takes no more values in one record set. */
const MAX_VALUES = 400

export interface PlanInput {
  /** In our spelling. */
  readonly name: string
  /** Seconds. */
  readonly ttl: number
  readonly wanted: AddressesByType
  /** Every record set that stands at the name. */
  readonly found: readonly RecordSet[]
  readonly overwrite: boolean
  /** Undefined: the name is not marked as ours. */
  readonly owner?: string | undefined
  /** Whether we put that address there ourselves earlier. */
  readonly isOurs: (address: string) => boolean
  /** What others put there stays: not all proxies may be known yet. */
  readonly addOnly?: boolean
  /** Of this proxy: nobody who reports many addresses pushes it out. */
  readonly ownAddress?: string | undefined
}

export interface PlannedRecord {
  readonly type: AddressType
  readonly wanted: readonly string[]
  readonly found: readonly string[]
  readonly changed: boolean
  /** What the operator should know although nothing is wrong. */
  readonly note?: string
}

export interface NamePlan {
  readonly changes: readonly RecordChange[]
  readonly records: readonly PlannedRecord[]
}

/**
 * Compares one name with what it should hold. A type without wanted addresses
 * keeps what it has, with two sides to it: the name never ends up without any
 * record, and what we did not write we do not delete.
 *
 * @throws KontrolError KTL_DNS_CONFLICT when something stands there that we may not replace
 */
export function planName(input: PlanInput): NamePlan {
  const types = (['A', 'AAAA'] as const).map((type) => planType(type, input))
  const cleared = clearTheWay(input, types)
  const records = types.flatMap(({ record }) => record ?? [])
  const { name, found, owner } = input
  const isWanted = records.some(({ wanted }) => wanted.length > 0)
  const marked = isWanted && owner !== undefined ? planMark(name, found, owner) : []
  return {
    changes: [...cleared, ...types.flatMap(({ change }) => change ?? []), ...marked],
    // The mark has no row of its own: what becomes of it is told with the addresses.
    records: marked.length === 0 ? records : records.map((record) => ({ ...record, changed: true }))
  }
}

interface TypePlan {
  readonly type: AddressType
  readonly change?: RecordChange
  readonly record?: PlannedRecord
}

function planType(type: AddressType, input: PlanInput): TypePlan {
  const { name, ttl, found, wanted } = input
  const plain = found.find((set) => set.type === type && set.special === undefined)
  const current = plain === undefined ? [] : sortedValues(plain)
  if (wanted[type].length === 0) return planUnwanted(type, plain, input)

  const strangers = input.addOnly ? current.filter((address) => !input.isOurs(address)) : []
  const values = withinLimit([...new Set([...wanted[type], ...strangers])].sort(), current, input.ownAddress)
  const changed = plain === undefined || plain.ttl !== ttl || current.join() !== values.join()
  // After a DELETE in the same batch nothing is left to update, and CREATE says so.
  const action = obstaclesTo(type, found).length > 0 ? 'CREATE' : 'UPSERT'
  return {
    type,
    ...(changed && { change: { action, set: { name, type, ttl, values } } }),
    record: {
      type,
      wanted: values,
      found: current,
      changed,
      ...(wanted[type].length > MAX_VALUES && {
        note: `only ${MAX_VALUES} of ${wanted[type].length} addresses: Route53 takes no more in one record set`
      })
    }
  }
}

/** Where there are too many: our own, then those that stand there, then the others. */
function withinLimit(wanted: readonly string[], current: readonly string[], own: string | undefined): string[] {
  if (wanted.length <= MAX_VALUES) return [...wanted]
  const standing = new Set(current)
  const rank = (address: string): number => (address === own ? 0 : standing.has(address) ? 1 : 2)
  return [...wanted]
    .sort((one, other) => rank(one) - rank(other))
    .slice(0, MAX_VALUES)
    .sort()
}

function planUnwanted(type: AddressType, plain: RecordSet | undefined, { wanted, isOurs }: PlanInput): TypePlan {
  if (plain === undefined) return { type }
  const current = sortedValues(plain)
  const nameStaysAlive = wanted.A.length + wanted.AAAA.length > 0
  const record = { type, wanted: [], found: current }
  if (nameStaysAlive && current.every(isOurs)) {
    return { type, change: { action: 'DELETE', set: plain }, record: { ...record, changed: true } }
  }
  const note = `kept: no live proxy has an external ${type === 'A' ? 'IPv4' : 'IPv6'} address, and it was not written by this process`
  return { type, record: { ...record, changed: false, note } }
}

/** What must go before the wanted sets can be: nothing, unless the operator said so. */
function clearTheWay({ found, overwrite }: PlanInput, types: readonly TypePlan[]): RecordChange[] {
  const needed = types.filter(({ record }) => record !== undefined && record.wanted.length > 0)
  const obstacles = new Set(needed.flatMap(({ type }) => obstaclesTo(type, found)))
  if (obstacles.size === 0 || overwrite) return [...obstacles].map((set) => ({ action: 'DELETE', set }))
  const [first] = obstacles as Set<RecordSet> & [RecordSet]
  throw new KontrolError('KTL_DNS_CONFLICT', `${describe(first)} stands there already`, {
    hint: `Delete it, or set haproxy.unity3d.com/route53-overwrite: "true" on the proxy pod to have it replaced.`
  })
}

/** A CNAME stands beside nothing else, and a plain set not beside an alias or a routing policy of its type. */
function obstaclesTo(type: AddressType, found: readonly RecordSet[]): RecordSet[] {
  return found.filter((set) => set.type === 'CNAME' || (set.type === type && set.special !== undefined))
}

function describe({ type, special, values }: RecordSet): string {
  if (special !== undefined) return `${special} of type ${type}`
  return `a ${type} to ${values.join(', ')}`
}

const sortedValues = ({ values }: RecordSet): string[] => values.map((value) => canonicalAddress(value) ?? value).sort()
