import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/
const MAX_LENGTH = 253

/**
 * The one spelling of a name that we compare with: lower case, no trailing dot,
 * international names in their ASCII form, a wildcard as `*.`.
 *
 * @returns undefined when it is no name that a record could have
 */
export function normalizeDomainName(raw: string): string | undefined {
  const name = raw.trim().replace(/\.$/, '')
  const wildcard = name.startsWith('*.')
  const ascii = toAscii(wildcard ? name.slice(2) : name)
  const labels = ascii.split('.')
  if (labels.length < 2 || ascii.length > MAX_LENGTH - (wildcard ? 2 : 0) || isIP(ascii) !== 0) return undefined
  if (!labels.every((label) => LABEL.test(label))) return undefined
  return wildcard ? `*.${ascii}` : ascii
}

/** domainToASCII() would also read hexadecimal addresses and per cent signs, so only names that need it go there. */
function toAscii(name: string): string {
  return /^[\x21-\x7e]*$/.test(name) ? name.toLowerCase() : domainToASCII(name)
}

/**
 * A name as Route53 prints it, in our spelling. It escapes what is no letter,
 * digit, hyphen or underscore as three octal digits:
 *
 *     \052.example.com.      (API 2013-04-01: the wildcard *.example.com)
 */
export function fromRoute53Name(name: string): string {
  return name
    .replace(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    .replace(/\.$/, '')
    .toLowerCase()
}

/** Whether a record of that name belongs into the zone: the apex itself, or anything below it. */
export function isInZone(name: string, zoneName: string): boolean {
  return name === zoneName || name.endsWith(`.${zoneName}`)
}
