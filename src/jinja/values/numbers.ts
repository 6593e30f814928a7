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
