import { isIP } from 'node:net'
import { parseIp, type IpAddress } from './ip.ts'

type Range = readonly [network: bigint, bits: number, what: string]

/** What no host has: HAProxy would connect to itself, to many, or to what tells the secrets of its machine. */
const NO_HOSTS_4 = ranges(
  ...['0.0.0.0/8 unspecified', '224.0.0.0/4 multicast', '255.255.255.255/32 broadcast'],
  // Where clouds keep their metadata, and where else they do.
  ...['169.254.0.0/16 link-local', '100.100.100.200/32 metadata', '168.63.129.16/32 metadata']
)
const NO_HOSTS_6 = ranges(
  ...['::/128 unspecified', 'ff00::/8 multicast', 'fd00:ec2::/32 metadata'],
  // Nobody finds it without the zone, which is one of this machine alone.
  'fe80::/10 link-local'
)
/** IPv4 within IPv6 as nobody has it any more: with a group and a port behind it, it reads as another address. */
const COMPATIBLE_4 = ranges('::/96 IPv4-compatible')
const LOOPBACK_6 = 1n
/** Nobody outside of this host finds it there. */
const NOT_PUBLIC_4 = ranges('127.0.0.0/8 loopback', '240.0.0.0/4 reserved')
/** Global unicast and unique local addresses: all that may stand in a AAAA record. */
const PUBLIC_6 = ranges('2000::/3 global', 'fc00::/7 private')
/** IPv4 written as IPv6: mapped, and through the well-known prefix of NAT64. */
const EMBEDDED_4 = ranges('::ffff:0:0/96 mapped', '64:ff9b::/96 translated')
const LOW_32 = 0xffff_ffffn

/**
 * What a literal address is that no pod can have, in one word; undefined for one that may be a host's. Loopback is
 * one: a proxy's neighbours on the same machine have it.
 */
export function problemOfHost(text: string): string | undefined {
  // Each keepalive comes through here, and most addresses are 10.x.y.z or 192.168.x.y.
  if (isIP(text) === 4 && ORDINARY.test(text)) return undefined
  const address = parseIp(text)
  return address === undefined ? 'not literal' : problemOfAddress(address)
}

const ORDINARY = /^(?:[3-9][0-9]?|10|127|172|192)\./

function problemOfAddress(address: IpAddress): string | undefined {
  const { family, number } = plainAddress(address)
  if (family === 4) return whatIn(NO_HOSTS_4, 32, number)
  return whatIn(NO_HOSTS_6, 128, number) ?? (number === LOOPBACK_6 ? undefined : whatIn(COMPATIBLE_4, 128, number))
}

/** Whether an address, however it is spelled, is that of the machine itself on which it is used. */
export function isLoopback(text: string): boolean {
  // Each keepalive comes through here as well.
  if (isIP(text) === 4) return text.startsWith('127.')
  const address = parseIp(text)
  if (address === undefined) return false
  const { family, number } = plainAddress(address)
  return family === 4 ? number >> 24n === 127n : number === 1n
}

/** Whether clients elsewhere may be sent to an address: a global one, or one of a private network. */
export function isPublishable(text: string): boolean {
  const address = parseIp(unmapped(text))
  if (address === undefined || problemOfAddress(address) !== undefined) return false
  const { family, number } = address
  return family === 4 ? whatIn(NOT_PUBLIC_4, 32, number) === undefined : whatIn(PUBLIC_6, 128, number) !== undefined
}

/** Whether a text names a network: `10.0.0.0/8`, `2001:db8::/32`, or one address. */
export const isNetwork = (text: string): boolean => networkOf(text) !== undefined

/** Whether an address is in one of these networks; IPv4 within IPv6 is taken for the IPv4 that it is. */
export function isWithin(text: string, networks: readonly string[]): boolean {
  const address = parseIp(unmapped(text))
  return networks.some((each) => {
    const network = networkOf(each)
    if (network === undefined || network.family !== address?.family) return false
    return address.number >> network.rest === network.number >> network.rest
  })
}

/** @returns with the count of bits that its hosts have for themselves */
function networkOf(text: string): (IpAddress & { rest: bigint }) | undefined {
  const [, network = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const address = parseIp(network)
  if (address === undefined) return undefined
  const width = address.family === 4 ? 32 : 128
  const bits = prefix === undefined ? width : Number(prefix)
  return bits > width ? undefined : { ...address, rest: BigInt(width - bits) }
}

/** `::ffff:192.0.2.1` as `192.0.2.1`, and any other text as it is. */
export function unmapped(text: string): string {
  if (isIP(text) === 4) return text
  const address = parseIp(text)
  if (address?.family !== 6 || whatIn(EMBEDDED_4.slice(0, 1), 128, address.number) === undefined) return text
  const low = Number(address.number & LOW_32)
  return [24, 16, 8, 0].map((shift) => (low >>> shift) & 0xff).join('.')
}

function plainAddress(address: IpAddress): IpAddress {
  const embeds = address.family === 6 && whatIn(EMBEDDED_4, 128, address.number) !== undefined
  return embeds ? { family: 4, number: address.number & LOW_32 } : address
}

function whatIn(all: readonly Range[], width: number, number: bigint): string | undefined {
  return all.find(([network, bits]) => number >> BigInt(width - bits) === network >> BigInt(width - bits))?.[2]
}

/** Of `<network>/<bits> <what>`. */
function ranges(...texts: string[]): Range[] {
  return texts.map((text) => {
    const [, network = '', bits = '', what = ''] = /^(.+)\/(\d+) (.+)$/.exec(text) ?? []
    return [parseIp(network)?.number ?? 0n, Number(bits), what]
  })
}
