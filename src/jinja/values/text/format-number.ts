import { roundDecimal } from '../numbers.ts'

/**
 * C's and Python's e, f and g.
 *
 * @param alternate keeps the point, and the zeros that `g` drops
 */
export function formatDouble(value: number, type: string, precision: number, alternate: boolean): string {
  const upper = type === type.toUpperCase()
  const text = Number.isFinite(value) ? finite(value, type.toLowerCase(), precision, alternate) : special(value)
  return upper ? text.toUpperCase() : text
}

function special(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  return value > 0 ? 'inf' : '-inf'
}

function finite(value: number, type: string, precision: number, alternate: boolean): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const magnitude = Math.abs(value)
  const text =
    type === 'f'
      ? fixed(magnitude, precision)
      : type === 'e'
        ? scientific(magnitude, precision)
        : general(magnitude, Math.max(1, precision), alternate)
  return sign + (alternate ? withPoint(text) : text)
}

/** A point also where no digit follows it. */
export function withPoint(text: string): string {
  return text.includes('.') ? text : text.replace(/^(-?\d+)/, '$1.')
}

/** JavaScript's toFixed stops at 100 digits and at 1e21. */
function fixed(magnitude: number, precision: number): string {
  const digits = Math.min(precision, 100)
  if (magnitude < 1e21) return roundDecimal(magnitude, digits).toFixed(digits) + zerosBeyond(precision)
  return precision === 0 ? String(BigInt(magnitude)) : `${BigInt(magnitude)}.${'0'.repeat(precision)}`
}

function scientific(magnitude: number, precision: number): string {
  const [mantissa = '', exponent = '+0'] = toExponential(magnitude, Math.min(precision, 100)).split('e')
  return `${mantissa}${zerosBeyond(precision)}e${exponent.charAt(0)}${exponent.slice(1).padStart(2, '0')}`
}

/** JavaScript rounds a digit that lies exactly between two up, Python to the even one. */
function toExponential(magnitude: number, digits: number): string {
  const rounded = magnitude.toExponential(digits)
  const exact = magnitude.toExponential(Math.min(100, digits + 30))
  const [mantissa = '', exponent = ''] = exact.split('e')
  const kept = digits === 0 ? mantissa.slice(0, 1) : mantissa.slice(0, digits + 2)
  const liesBetween = /^\.?50*$/.test(mantissa.slice(kept.length))
  return liesBetween && Number(kept.at(-1)) % 2 === 0 ? `${kept}e${exponent}` : rounded
}

function zerosBeyond(precision: number): string {
  return '0'.repeat(Math.max(0, precision - 100))
}

function general(magnitude: number, precision: number, alternate: boolean): string {
  const exponent = magnitude === 0 ? 0 : Number(magnitude.toExponential(Math.min(precision - 1, 100)).split('e')[1])
  if (exponent < -4 || exponent >= precision) {
    const [mantissa = '', tail = ''] = scientific(magnitude, precision - 1).split('e')
    return `${alternate ? mantissa : dropZeros(mantissa)}e${tail}`
  }
  const text = fixed(magnitude, precision - 1 - exponent)
  return alternate ? text : dropZeros(text)
}

function dropZeros(text: string): string {
  if (!text.includes('.')) return text
  let end = text.length
  while (text.charAt(end - 1) === '0') end--
  return text.slice(0, text.charAt(end - 1) === '.' ? end - 1 : end)
}

/** Puts a separator between groups of digits in front of the point. */
export function groupDigits(text: string, separator: string, size: number): string {
  if (separator === '') return text
  const [, lead = '', digits = '', rest = ''] = /^([^\da-f]*)([\da-f]+)([\s\S]*)$/.exec(text) ?? []
  const groups: string[] = []
  for (let end = digits.length; end > 0; end -= size) groups.unshift(digits.slice(Math.max(0, end - size), end))
  return lead + groups.join(separator) + rest
}
