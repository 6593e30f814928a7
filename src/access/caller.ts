import { isIP } from 'node:net'
import { isLoopback } from '../model/host-address.ts'
import { parseIp } from '../model/ip.ts'

/** What a token or a certificate lets its holder do. */
export interface Grants {
  /** Everything. */
  readonly operate: boolean
  readonly read: boolean
  /** Keepalives of every app but the proxies' own, which moves DNS. */
  readonly pingOthers: boolean
  /** Keepalives of these apps, the proxies' own among them if it is named. */
  readonly pingApps: readonly string[]
}

/** Whoever asks, as far as it is known. */
export interface Caller {
  readonly from: 'network' | 'loopback' | 'unix'
  /** Address of the peer without the IPv4-in-IPv6 prefix; undefined on a unix socket. */
  readonly address: string | undefined
  /** A browser sent it for a page that is not ours. */
  readonly foreignPage: boolean
  readonly grants: Grants
  /** It showed a token that is known: another one is not asked for. */
  readonly knownToken: boolean
}

export const NO_GRANTS: Grants = { operate: false, read: false, pingOthers: false, pingApps: [] }

/** Both together: a certificate and a token may be shown at once. */
export function union(one: Grants, other: Grants): Grants {
  return {
    operate: one.operate || other.operate,
    read: one.read || other.read,
    pingOthers: one.pingOthers || other.pingOthers,
    pingApps: [...one.pingApps, ...other.pingApps]
  }
}

/** The sender of a command on the unix socket: the permissions of its file have let it in. */
export const unixCaller: Caller = {
  from: 'unix',
  address: undefined,
  foreignPage: false,
  grants: NO_GRANTS,
  knownToken: false
}

export interface RequestFacts {
  /** Of the peer, as the socket tells it. */
  readonly remoteAddress: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly grants: Grants
  readonly knownToken: boolean
}

/** Headers by which a proxy says that it passes on what somebody else asks. */
const PASSED_ON = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

/**
 * Who sent an HTTP request. One that a proxy on this host passes on, or that was
 * sent to a name which is not ours (a page whose name was pointed at us), counts as
 * the network's, wherever the connection comes from.
 *
 * @param names of this control tier, in lower case; addresses and localhost are always ours
 */
export function callerOf(
  { remoteAddress, headers, grants, knownToken }: RequestFacts,
  names: ReadonlySet<string>
): Caller {
  const address = plainAddress(remoteAddress)
  const host = hostOf(text(headers.host))
  const direct = PASSED_ON.every((name) => headers[name] === undefined) && isOurs(host, names)
  return {
    from: direct && address !== undefined && isLoopback(address) ? 'loopback' : 'network',
    address,
    foreignPage: isForeignPage(headers, host, names),
    grants,
    knownToken
  }
}

/**
 * Whose share of what all strangers have together a caller takes; undefined for one on this host, and an operator.
 */
export function peerOf({ from, address, grants }: Caller): string | undefined {
  return from !== 'network' || grants.operate ? undefined : senderAt(address)
}

/** What one sender can have for itself: an address, or a network of 64 bits, in which it may take any. */
export function senderAt(remoteAddress: string | undefined): string {
  const text = plainAddress(remoteAddress) ?? ''
  const address = parseIp(text)
  return address?.family === 6 ? `${(address.number >> 64n).toString(16)}::/64` : text
}

/** Without the prefix that a socket of both families puts before IPv4. */
function plainAddress(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/i, '')
}

/** Slaves, callbacks and command lines send none of these headers; every browser sends one of them with a write. */
function isForeignPage(headers: RequestFacts['headers'], host: string, names: ReadonlySet<string>): boolean {
  const [origin, site] = [text(headers.origin), text(headers['sec-fetch-site'])]
  if (origin === undefined && site === undefined && text(headers['sec-fetch-mode']) === undefined) return false
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  if (origin !== undefined && originHost(origin) !== text(headers.host)?.toLowerCase()) return true
  return !isOurs(host, names)
}

/** Host and port, as the Host header has them; undefined for "null" and what is no origin. */
function originHost(origin: string): string | undefined {
  return URL.canParse(origin) && /^https?:/.test(origin) ? origin.replace(/^https?:\/\//i, '').toLowerCase() : undefined
}

/** A request without a Host, as HTTP/1.0 has it, names nobody else. */
function isOurs(host: string, names: ReadonlySet<string>): boolean {
  return host === '' || host === 'localhost' || isIP(host) !== 0 || names.has(host)
}

/** Empty where there is no header; a header that names nothing is of somebody else. */
function hostOf(header: string | undefined): string {
  if (header === undefined) return ''
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(header)?.[1]
  return (bracketed ?? header.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase()) || NAMELESS
}

/** No name of a host. */
const NAMELESS = ':'

const text = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : header?.[0]
