import { TemplateFault } from '../template-fault.ts'
import { Float, type Value } from './value.ts'

export type Numeric = number | bigint | boolean | Float
export type Int = number | bigint

export function isNumeric(value: Value): value is Numeric {
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' || value instanceof Float
}

export function isInt(value: Value): value is Int | boolean {
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
}

/** Ints stay plain numbers as long as those are exact. */
export function normalizeInt(value: bigint): Int {
  const plain = Number(value)
  return Number.isSafeInteger(plain) ? plain : value
}

/** The whole part of a float as an int. */
export function truncate(value: number): Int {
  if (Number.isNaN(value)) throw new TemplateFault('ValueError', 'cannot convert float NaN to integer')
  if (!Number.isFinite(value)) throw new TemplateFault('OverflowError', 'cannot convert float infinity to integer')
  const whole = Math.trunc(value)
  return Number.isSafeInteger(whole) ? whole + 0 : BigInt(whole)
}

export function toDouble(value: Numeric): number {
  if (value instanceof Float) return value.value
  const double = Number(value)
  if (!Number.isFinite(double)) throw new TemplateFault('OverflowError', 'int too large to convert to float')
  return double
}

/** Python's repr of a float: the shortest digits that read back, exponents from 1e16 and below 1e-4. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (Object.is(value, -0)) return '-0.0'
  const [mantissa = '', exponentText = '0'] = value.toExponential().split('e')
  const exponent = Number(exponentText)
  if (exponent < -4 || exponent >= 16)
    return `${mantissa}e${exponentText.charAt(0)}${exponentText.slice(1).padStart(2, '0')}`
  return positional(value < 0 ? '-' : '', mantissa, exponent)
}

function positional(sign: string, mantissa: string, exponent: number): string {
  const digits = mantissa.replace(/[-.]/g, '')
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`
}

/** Python's round() of a float: to the even digit when it lies exactly between two. */
export function roundDecimal(value: number, digits: number): number {
  if (!Number.isFinite(value) || digits > 100) return value
  if (digits < 0) {
    const scale = 10 ** -digits
    return Number.isFinite(scale) ? halfToEven(value / scale) * scale : value * 0
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
