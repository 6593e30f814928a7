import { isIP } from 'node:net'

/** A literal address as a number: 32 or 128 bits. Zones (`fe80::1%eth0`) are for this machine alone and are no part of it. */
export interface IpAddress {
  readonly family: 4 | 6
  readonly number: bigint
}

/** The one parser of addresses; undefined for what is not a literal address, or has a zone. */
export function parseIp(text: string): IpAddress | undefined {
  if (text.includes('%')) return undefined
  switch (isIP(text)) {
    case 4:
      return { family: 4, number: join(text.split('.').map(Number), 8n) }
    case 6:
      return { family: 6, number: join(groupsOf(text), 16n) }
    default:
      return undefined
  }
}

/** Whether a text is an address as pods may have it; cheaper than `parseIp`, as it comes with each keepalive. */
export const isLiteralIp = (text: string): boolean => isIP(text) !== 0 && !text.includes('%')

/** One spelling for each address (RFC 5952 for IPv6), so that `2001:DB8:0::1` equals `2001:db8::1`. */
export function canonicalIp(text: string): string | undefined {
  // Asked of each line of a large text: IPv4 has one spelling.
  if (isIP(text) === 4) return text
  return isLiteralIp(text) ? new URL(`http://[${text}]`).hostname.slice(1, -1) : undefined
}

/** Whether two texts name the same address, or are the same. */
export function isSameIp(one: string, other: string): boolean {
  if (one === other) return true
  const [left, right] = [parseIp(one), parseIp(other)]
  return left !== undefined && left.family === right?.family && left.number === right.number
}

/**
 * Orders addresses by their number: IPv4 first, then IPv6, and what is no
 * address last, by its text. Negative, zero or positive, as sort() wants it.
 */
export function compareIps(a: string, b: string): number {
  const [left, right] = [rankOf(a), rankOf(b)]
  if (left.family !== right.family) return left.family - right.family
  if (left.number !== right.number) return left.number < right.number ? -1 : 1
  return a < b ? -1 : Number(a > b)
}

/** A zone does not change the place of an address: it has the one of the address before the "%". */
function rankOf(text: string): { family: number; number: bigint } {
  const [address = ''] = text.split('%')
  return (isIP(text) !== 0 ? parseIp(address) : undefined) ?? { family: 7, number: 0n }
}

/** The eight groups of an IPv6 address that is known to be valid, "::" and a dotted tail included. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const before = partsOf(head)
  if (tail === undefined) return before
  const behind = partsOf(tail)
  return [...before, ...new Array<number>(8 - before.length - behind.length).fill(0), ...behind]
}

function partsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

function join(parts: readonly number[], bits: bigint): bigint {
  return parts.reduce((number, part) => (number << bits) | BigInt(part), 0n)
}
