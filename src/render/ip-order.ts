import { isIP } from 'node:net'

/**
 * Orders addresses by their number: IPv4 first, then IPv6, and what is no
 * address last, by its text. Negative, zero or positive, as sort() wants it.
 */
export function compareAddresses(a: string, b: string): number {
  const [left, right] = [rankOf(a), rankOf(b)]
  if (left.family !== right.family) return left.family - right.family
  if (left.number !== right.number) return left.number < right.number ? -1 : 1
  return a < b ? -1 : Number(a > b)
}

interface Rank {
  /** 4, 6, or 7 for what is no address. */
  readonly family: number
  readonly number: bigint
}

function rankOf(text: string): Rank {
  const [address = ''] = text.split('%')
  switch (isIP(text)) {
    case 4:
      return { family: 4, number: numberOf(address.split('.').map(Number), 8n) }
    case 6:
      return { family: 6, number: numberOf(groupsOf(address), 16n) }
    default:
      return { family: 7, number: 0n }
  }
}

/** The eight groups of an IPv6 address that is known to be valid. */
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

function numberOf(parts: readonly number[], bits: bigint): bigint {
  return parts.reduce((number, part) => (number << bits) | BigInt(part), 0n)
}
