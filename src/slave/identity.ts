import { randomBytes } from 'node:crypto'
import { KontrolError } from '../errors.ts'
import { parseIp } from '../model/ip.ts'

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
  const address = parseIp(ip)
  if (address !== undefined) return address.number
  throw new KontrolError('KTL_CONFIG_INVALID', `"${ip}" is no literal IPv4 or IPv6 address`, {
    hint: 'Set KONTROL_IP to the address of this pod.'
  })
}
