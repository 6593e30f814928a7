import { isIP } from 'node:net'
import { Route53Fault } from './route53-fault.ts'

/** A record set as the double stores it: the fields that AWS knows, names lower case with the final dot, unescaped. */
export interface StoredRecordSet {
  name: string
  type: string
  ttl?: number
  values: string[]
  /** Tells apart the sets of one name and type under a routing policy. */
  identifier?: string
  /** Weight, Region, Failover, AliasTarget and so on: printed and compared, not understood. */
  extra: Record<string, string | Record<string, string>>
}

export interface StoredChange {
  action: string
  set: StoredRecordSet
}

const MAX_RECORDS = 1000
const MAX_CHARACTERS = 32_000
const MAX_VALUES = 400

/** One hosted zone, with the rules of AWS for changing it. */
export class Route53Zone {
  readonly id: string
  readonly name: string
  readonly isPrivate: boolean
  sets: StoredRecordSet[]

  constructor(id: string, name: string, { isPrivate = false } = {}) {
    this.id = id
    this.name = storedName(name)
    this.isPrivate = isPrivate
    this.sets = [
      plain(this.name, 'NS', 172_800, ['ns-1.awsdns-01.com.']),
      plain(this.name, 'SOA', 900, ['ns-1.awsdns-01.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400'])
    ]
  }

  /** For the arrangement of a test: stands there as if it always had. */
  put(name: string, type: string, values: string[], more: Partial<StoredRecordSet> = {}): void {
    const set = { name: storedName(name), type, values, extra: {}, ...(values.length > 0 && { ttl: 60 }), ...more }
    this.sets = [...this.sets.filter((other) => keyOf(other) !== keyOf(set)), set]
  }

  remove(name: string, type: string): void {
    this.sets = this.sets.filter((set) => set.name !== storedName(name) || set.type !== type)
  }

  /** The values at a name, sorted; undefined when there is no such set. */
  valuesOf(name: string, type: string): string[] | undefined {
    const set = this.sets.find((other) => other.name === storedName(name) && other.type === type)
    return set && [...set.values].sort()
  }

  /** In the order of ListResourceRecordSets: by the labels from the right, then by type. */
  ordered(): StoredRecordSet[] {
    return [...this.sets].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
  }

  /** All or nothing; the changes are applied in their order, each seeing what the ones before it did. */
  change(changes: readonly StoredChange[]): void {
    this.#checkLimits(changes)
    const problems = [...changes.flatMap((change) => this.#problemsOf(change)), ...repeated(changes)]
    const draft = [...this.sets]
    if (problems.length === 0) for (const change of changes) problems.push(...this.#apply(change, draft))
    if (problems.length > 0) throw new Route53Fault(400, 'InvalidChangeBatch', `[${problems.join(', ')}]`)
    this.sets = draft
  }

  #checkLimits(changes: readonly StoredChange[]): void {
    const weighted = changes.flatMap((change) => (change.action === 'UPSERT' ? [change, change] : [change]))
    const values = weighted.flatMap(({ set }) => set.values)
    if (values.length > MAX_RECORDS) throw tooMany('records', MAX_RECORDS)
    if (values.join('').length > MAX_CHARACTERS) throw tooMany('characters', MAX_CHARACTERS)
  }

  #problemsOf({ set }: StoredChange): string[] {
    const { name, type, values } = set
    if (name !== this.name && !name.endsWith(`.${this.name}`)) {
      return [`RRSet with DNS name ${printedName(name)} is not permitted in zone ${this.name}`]
    }
    const problems = values.flatMap((value) => valueProblem(type, value) ?? [])
    const twice = values.find((value, index) => values.indexOf(value) !== index)
    if (twice !== undefined) problems.push(`Duplicate Resource Record: '${twice}'`)
    if (values.length > MAX_VALUES) problems.push(`Number of values limit of ${MAX_VALUES} exceeded.`)
    if (type === 'CNAME' && name === this.name) {
      problems.push(`RRSet of type CNAME with DNS name ${name} is not permitted at apex in zone ${this.name}`)
    }
    return problems
  }

  #apply({ action, set }: StoredChange, draft: StoredRecordSet[]): string[] {
    const index = draft.findIndex((other) => keyOf(other) === keyOf(set))
    const existing = draft[index]
    if (action === 'DELETE') {
      if (existing === undefined) return [`Tried to delete resource record set ${labelOf(set)} but it was not found`]
      if (fingerprint(existing) !== fingerprint(set)) {
        return [
          `Tried to delete resource record set ${labelOf(set)} but the values provided do not match the current values`
        ]
      }
      if (set.name === this.name && ['NS', 'SOA'].includes(set.type)) {
        return [`A HostedZone must contain at least one ${set.type} record for the zone itself.`]
      }
      draft.splice(index, 1)
      return []
    }
    if (action === 'CREATE' && existing !== undefined) {
      return [`Tried to create resource record set ${labelOf(set)} but it already exists`]
    }
    const others = draft.filter((other) => other !== existing && other.name === set.name)
    const problem = this.#neighbourProblem(set, others)
    if (problem !== undefined) return [problem]
    if (existing === undefined) draft.push(set)
    else draft[index] = set
    return []
  }

  #neighbourProblem(
    { name, type, identifier }: StoredRecordSet,
    others: readonly StoredRecordSet[]
  ): string | undefined {
    const printed = printedName(name)
    if (type === 'CNAME' && others.some((other) => other.type !== 'CNAME')) {
      return `RRSet of type CNAME with DNS name ${printed} is not permitted as it conflicts with other records with the same DNS name in zone ${this.name}`
    }
    if (type !== 'CNAME' && others.some((other) => other.type === 'CNAME')) {
      return `RRSet of type ${type} with DNS name ${printed} is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists in zone ${this.name}`
    }
    const sameType = others.filter((other) => other.type === type)
    const isSimple = identifier === undefined
    if (isSimple && sameType.length > 0) {
      return `RRSet with DNS name ${printed}, type ${type} cannot be created as other RRSets exist with the same name and type.`
    }
    if (!isSimple && sameType.some((other) => other.identifier === undefined)) {
      return `RRSet with DNS name ${printed}, type ${type}, SetIdentifier ${identifier} cannot be created because a non-weighted RRSet exists with the same name and type.`
    }
    return undefined
  }
}

/** Lower case, final dot, escapes undone: `\052.Example.com` is `*.example.com.` */
export function storedName(name: string): string {
  const unescaped = name.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8))
  )
  return `${unescaped.replace(/\.$/, '').toLowerCase()}.`
}

/** As AWS prints it: all but letters, digits, hyphen, underscore and dot in octal. */
export function printedName(name: string): string {
  return name.replace(/[^a-z0-9._-]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`)
}

/** The labels from the right, compared as AWS does, then the type and the identifier. */
export function sortKey({
  name,
  type,
  identifier = ''
}: Pick<StoredRecordSet, 'name' | 'type' | 'identifier'>): string {
  const reversed = name.split('.').reverse().join('\0')
  return [reversed, type, identifier].join('\0\0')
}

const plain = (name: string, type: string, ttl: number, values: string[]): StoredRecordSet => ({
  name,
  type,
  ttl,
  values,
  extra: {}
})

const tooMany = (what: string, limit: number): Route53Fault =>
  new Route53Fault(400, 'InvalidChangeBatch', `[Number of ${what} limit of ${limit} exceeded.]`)

/** The same set may be deleted and created in one request, and no other pair. */
function repeated(changes: readonly StoredChange[]): string[] {
  const actions = new Map<string, string[]>()
  for (const { action, set } of changes) {
    const key = `'${set.type} ${printedName(set.name)}'${set.identifier ?? ''}`
    actions.set(key, [...(actions.get(key) ?? []), action])
  }
  return [...actions]
    .filter(([, list]) => list.length > 1 && list.join() !== 'DELETE,CREATE')
    .map(([key]) => `The request contains an invalid set of changes for a resource record set ${key}`)
}

function valueProblem(type: string, value: string): string | undefined {
  const fatal = (code: string, text: string): string =>
    `Invalid Resource Record: 'FATAL problem: ${code} (${text}) encountered with '${value}''`
  if (type === 'A' && /\s/.test(value)) return fatal('ARRDATANotSingleField', 'Value contains spaces')
  if (type === 'A' && isIP(value) !== 4) return fatal('ARRDATAIllegalIPv4Address', 'Value is not a valid IPv4 address')
  if (type === 'AAAA' && (isIP(value) !== 6 || value.includes('%'))) {
    return fatal('AAAARRDATAIllegalIPv6Address', 'Value is not a valid IPv6 address')
  }
  return undefined
}

const labelOf = ({ name, type, identifier }: StoredRecordSet): string => {
  const suffix = identifier === undefined ? '' : `, set-identifier='${identifier}'`
  return `[name='${printedName(name)}', type='${type}'${suffix}]`
}

const keyOf = ({ name, type, identifier }: StoredRecordSet): string => JSON.stringify([name, type, identifier ?? null])

const fingerprint = ({ ttl, values, extra }: StoredRecordSet): string =>
  JSON.stringify([ttl ?? null, [...values].sort(), sorted(extra)])

const sorted = (record: Record<string, unknown>): unknown[] =>
  Object.entries(record)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => [name, typeof value === 'object' ? sorted(value as Record<string, unknown>) : value])
