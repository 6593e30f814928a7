import { normalizeInt, type Int } from './numbers.ts'

/** Python's round() of a float: to the even digit when it lies exactly between two. */
export function roundDecimal(value: number, digits: number): number {
  if (!Number.isFinite(value) || digits > 100) return value
  if (digits < 0) {
    const scale = 10 ** -digits
    return Number.isFinite(scale) ? halfToEven(value / scale) * scale : 0
  }
  // toFixed computes with the exact value, but rounds what lies between two away from zero.
  if (value === 0) return value
  const rounded = Number(value.toFixed(digits))
  return liesBetween(value, digits) ? evenNeighbour(value, digits) : rounded
}

/** Whether the digits behind the kept ones are a 5 and nothing else. */
function liesBetween(value: number, digits: number): boolean {
  const exact = Math.abs(value).toFixed(Math.min(100, digits + 30))
  const point = exact.indexOf('.')
  return /^50*$/.test(exact.slice(point + 1 + digits))
}

function evenNeighbour(value: number, digits: number): number {
  const kept = Math.abs(value).toFixed(Math.min(100, digits + 30))
  const cut = kept.slice(0, kept.indexOf('.') + 1 + digits)
  const lastDigit = Number(cut.replace(/\.$/, '').at(-1))
  if (lastDigit % 2 === 1) return Number(value.toFixed(digits))
  return Number(cut) * Math.sign(value)
}

function halfToEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}

/** Python's round() of an int: only negative digits change it. */
export function roundInt(value: Int | boolean, digits: number): Int {
  const whole = BigInt(value)
  if (digits >= 0) return normalizeInt(whole)
  const scale = 10n ** BigInt(Math.min(-digits, 10_000))
  const rest = ((whole % scale) + scale) % scale
  const floor = whole - rest
  if (rest * 2n === scale) return normalizeInt((floor / scale) % 2n === 0n ? floor : floor + scale)
  return normalizeInt(rest * 2n > scale ? floor + scale : floor)
}
