import { KontrolError } from '../../errors.ts'
import type { RecordChange, RecordSet } from './record-set.ts'

/** What we write as the thing that a record was made for: external-dns writes `ingress/shop/web` and the like. */
const RESOURCE = 'kontrol-haproxy'
const MARK_TTL_SECONDS = 300

interface Mark {
  readonly owner: string
  readonly resource: string
}

/**
 * A TXT record is the mark of whose a name is, in the words of external-dns
 * (0.15, without --txt-prefix), so that each knows the other's:
 *
 *     "heritage=external-dns,external-dns/owner=default,external-dns/resource=ingress/shop/web"
 */
function marksOf({ type, values }: RecordSet): Mark[] {
  if (type !== 'TXT') return []
  return values.flatMap((value) => {
    // A text past 255 characters comes in several quoted pieces.
    const text = value.replace(/"\s+"/g, '').replace(/^"|"$/g, '')
    const words = new Map(text.split(',').map((word) => splitAt(word, '=')))
    const owner = words.get('external-dns/owner')
    if (words.get('heritage') !== 'external-dns' || owner === undefined) return []
    return [{ owner, resource: words.get('external-dns/resource') ?? '' }]
  })
}

function splitAt(word: string, separator: string): [string, string] {
  const at = word.indexOf(separator)
  return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)]
}

/**
 * @param sets those at the name, and those where external-dns puts its marks
 * @param owner what we call ourselves; undefined: nobody, and every mark is another's
 * @throws KontrolError KTL_DNS_CONFLICT when one of them says that the name is another's
 */
export function checkOwner(sets: readonly RecordSet[], owner: string | undefined): void {
  for (const set of sets) {
    for (const mark of marksOf(set)) {
      const isOurs = mark.owner === owner && mark.resource === RESOURCE
      if (!isOurs) throw ownedByAnother(set.name, mark)
    }
  }
}

function ownedByAnother(at: string, { owner, resource }: Mark): KontrolError {
  const whatFor = resource === '' ? '' : ` for ${resource}`
  const hint =
    resource === RESOURCE
      ? `Set haproxy.unity3d.com/route53-owner: "${owner}" on the proxy pod if these are the same proxies; otherwise delete the TXT record.`
      : `Take the name away from its owner, or delete the TXT record at ${at} once the owner is gone.`
  return new KontrolError('KTL_DNS_CONFLICT', `the TXT record at ${at} says that "${owner}" owns the name${whatFor}`, {
    hint
  })
}

/**
 * The changes after which the name is marked as ours, none when it is. What
 * else the TXT record holds stays: it is deleted and created with one value
 * more, as Route53 refuses a deletion when the record is no longer what we saw.
 *
 * @throws KontrolError KTL_DNS_CONFLICT when the TXT records there are under a routing policy
 */
export function planMark(name: string, found: readonly RecordSet[], owner: string): RecordChange[] {
  const mark = `"heritage=external-dns,external-dns/owner=${owner},external-dns/resource=${RESOURCE}"`
  const texts = found.filter(({ type }) => type === 'TXT')
  const special = texts.find((set) => set.special !== undefined)
  if (special !== undefined) {
    throw new KontrolError('KTL_DNS_CONFLICT', `${special.special ?? ''} of type TXT leaves no place for our mark`, {
      hint: 'Delete it, or take haproxy.unity3d.com/route53-owner off the proxy pod.'
    })
  }
  const [text] = texts
  if (text === undefined) {
    return [{ action: 'CREATE', set: { name, type: 'TXT', ttl: MARK_TTL_SECONDS, values: [mark] } }]
  }
  if (marksOf(text).some((other) => other.owner === owner && other.resource === RESOURCE)) return []
  const set = { name, type: 'TXT' as const, ttl: text.ttl ?? MARK_TTL_SECONDS, values: [...text.values, mark] }
  return [
    { action: 'DELETE', set: text },
    { action: 'CREATE', set }
  ]
}
