import { KontrolError } from '../errors.ts'
import { isNetwork } from '../model/host-address.ts'
import { normalizeDomainName } from './records/domain-name.ts'

/** What the annotations of the proxy pod ask for. */
export interface DnsSettings {
  /** Normalised, without duplicates, in the order of the annotation; at least one. */
  readonly names: readonly string[]
  /** Seconds. */
  readonly ttl: number
  /** The only zone to write to; without it the public zone with the longest matching name. */
  readonly zoneId?: string
  /** Whether a CNAME, an alias or a routing policy that stands in the way is replaced. */
  readonly overwrite: boolean
  /** Who we say that we are in a TXT record beside ours; without it the records are not marked. */
  readonly owner?: string
  /** Of the addresses of the proxies, those in these networks are published; without it all that clients may be sent to. */
  readonly networks?: readonly string[]
}

const PREFIX = 'haproxy.unity3d.com/route53'
const DEFAULT_TTL_SECONDS = 60
const MAX_TTL_SECONDS = 2_147_483_647

/**
 * Reads `haproxy.unity3d.com/route53` and its companions `-ttl`, `-zone`, `-overwrite`, `-owner` and `-networks`.
 *
 * @returns undefined when no name is asked for: then there is nothing to do with DNS at all
 * @throws KontrolError KTL_DNS_ANNOTATION_INVALID listing every problem
 */
export function parseDnsAnnotations(annotations: Readonly<Record<string, string>>): DnsSettings | undefined {
  const list = annotations[PREFIX]?.trim() ?? ''
  if (list === '') return undefined

  const problems: string[] = []
  const names = parseNames(list, problems)
  const ttl = parseTtl(annotations[`${PREFIX}-ttl`], problems)
  const zoneId = parseZone(annotations[`${PREFIX}-zone`], problems)
  const overwrite = parseOverwrite(annotations[`${PREFIX}-overwrite`], problems)
  const owner = parseOwner(annotations[`${PREFIX}-owner`], problems)
  const networks = parseNetworks(annotations[`${PREFIX}-networks`], problems)
  if (problems.length > 0) {
    throw new KontrolError(
      'KTL_DNS_ANNOTATION_INVALID',
      `Invalid Route53 annotations:\n  - ${problems.join('\n  - ')}`,
      {
        hint: 'Correct the annotations of the proxy pod as docs/route53.md describes them.'
      }
    )
  }
  return {
    ...{ names, ttl, overwrite },
    ...(zoneId !== undefined && { zoneId }),
    ...(owner !== undefined && { owner }),
    ...(networks !== undefined && { networks })
  }
}

function parseNames(list: string, problems: string[]): string[] {
  const names = new Set<string>()
  for (const item of list.split(',')) {
    if (item.trim() === '') continue
    const name = normalizeDomainName(item)
    if (name === undefined) problems.push(`${PREFIX} holds "${item.trim()}", which is not a domain name`)
    else names.add(name)
  }
  if (names.size === 0 && problems.length === 0) problems.push(`${PREFIX} names no domain, got "${list}"`)
  return [...names]
}

function parseTtl(raw: string | undefined, problems: string[]): number {
  if (isBlank(raw)) return DEFAULT_TTL_SECONDS
  const text = raw.trim()
  const ttl = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(ttl <= MAX_TTL_SECONDS)) {
    problems.push(`${PREFIX}-ttl must be a whole number of seconds from 0 to ${MAX_TTL_SECONDS}, got "${raw}"`)
  }
  return ttl
}

function parseZone(raw: string | undefined, problems: string[]): string | undefined {
  if (isBlank(raw)) return undefined
  const id = raw.trim().replace(/^\/hostedzone\//, '')
  if (!/^[A-Z0-9]{1,32}$/.test(id)) {
    problems.push(`${PREFIX}-zone must be the id of a hosted zone such as Z148QEXAMPLE8V, got "${raw}"`)
  }
  return id
}

function parseOverwrite(raw: string | undefined, problems: string[]): boolean {
  if (isBlank(raw)) return false
  const value = raw.trim().toLowerCase()
  if (value !== 'true' && value !== 'false')
    problems.push(`${PREFIX}-overwrite must be "true" or "false", got "${raw}"`)
  return value === 'true'
}

/** It stands in a list of words with commas and equals signs between them, within quotes. */
function parseOwner(raw: string | undefined, problems: string[]): string | undefined {
  if (isBlank(raw)) return undefined
  const owner = raw.trim()
  if (!/^[A-Za-z0-9._/-]{1,63}$/.test(owner)) {
    problems.push(
      `${PREFIX}-owner must be 1 to 63 letters, digits, dots, hyphens, underscores or slashes, got "${raw}"`
    )
  }
  return owner
}

/** Blank allows none by mistake sooner than all: it is an error, and not the default. */
function parseNetworks(raw: string | undefined, problems: string[]): string[] | undefined {
  if (raw === undefined) return undefined
  const networks = raw.split(',').map((item) => item.trim())
  if (!networks.every(isNetwork)) {
    problems.push(`${PREFIX}-networks must be a comma list of networks such as 203.0.113.0/24, got "${raw}"`)
  }
  return networks
}

const isBlank = (raw: string | undefined): raw is undefined | '' => raw === undefined || raw.trim() === ''
