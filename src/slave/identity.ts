import { randomBytes } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import { KontrolError } from '../errors.ts'

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/**
 * The key of a pod: its address as a number in base62, most significant digit
 * first and without padding. IPv4 is 32 bits as in Kontrol, IPv6 is 128.
 *
 * @example keyOf('127.0.0.11') // '2kce4X'
 * @throws KontrolError KTL_CONFIG_INVALID when `ip` is no literal address
 */
export function keyOf(ip: string): string {
  let rest = addressAsNumber(ip)
  let key = ''
  do {
    key = `${ALPHABET[Number(rest % 62n)]}${key}`
    rest /= 62n
  } while (rest > 0n)
  return key
}

/** Eight random bytes as hex. Made once per process: a restarted slave at the same address is thus seen as another. */
export function newNonce(): string {
  return randomBytes(8).toString('hex')
}

function addressAsNumber(ip: string): bigint {
  if (isIPv4(ip)) return joinGroups(ip.split('.').map(Number), 8n)
  if (isIPv6(ip) && !ip.includes('%')) return joinGroups(ipv6Groups(ip), 16n)
  throw new KontrolError('KTL_CONFIG_INVALID', `"${ip}" is no literal IPv4 or IPv6 address`, {
    hint: 'Set KONTROL_IP to the address of this pod.'
  })
}

function joinGroups(groups: readonly number[], bits: bigint): bigint {
  return groups.reduce((number, group) => (number << bits) | BigInt(group), 0n)
}

/** The eight groups of an address that isIPv6() accepts, "::" and a dotted tail included. */
function ipv6Groups(ip: string): number[] {
  const [head = '', tail] = ip.split('::')
  const left = groupsOf(head)
  if (tail === undefined) return left
  const right = groupsOf(tail)
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
}

function groupsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}
