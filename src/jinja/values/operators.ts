import type { BinaryOperator, CompareOperator } from '../syntax/syntax.ts'
import { TemplateFault } from '../template-fault.ts'
import { compare, equals } from './comparison.ts'
import { isNumeric, normalizeInt, toDouble, type Int, type Numeric } from './numbers.ts'
import { escapeUnlessSafe } from './print.ts'
import { concatenate, contains, repeat } from './sequences.ts'
import { formatPercent } from './text/percent-format.ts'
import { UntrustedText } from './untrusted-text.ts'
import { Float, Markup, Undefined, typeName, type Runtime, type Value } from './value.ts'

interface Operator {
  readonly symbol: string
  /** For ints small enough; a result that is not exact is computed again with bigints. */
  fast?(a: number, b: number): number
  ints(a: bigint, b: bigint): Int | Float
  floats(a: number, b: number): number
  /** For operands that are not both numbers; undefined when Python has no meaning for them either. */
  others?(a: Value, b: Value, runtime: Runtime): Value | undefined
}

/** Digits in base 2 of the largest int that a template may compute. */
const MAX_INT_BITS = 65_536
const LARGEST_INT = 1n << BigInt(MAX_INT_BITS)

const OPERATORS: Readonly<Record<BinaryOperator, Operator>> = {
  Add: {
    symbol: '+',
    fast: (a, b) => a + b,
    ints: (a, b) => normalizeInt(a + b),
    floats: (a, b) => a + b,
    others: concatenate
  },
  Sub: { symbol: '-', fast: (a, b) => a - b, ints: (a, b) => normalizeInt(a - b), floats: (a, b) => a - b },
  Mul: {
    symbol: '*',
    fast: (a, b) => a * b,
    ints: (a, b) => normalizeInt(a * b),
    floats: (a, b) => a * b,
    others: repeat
  },
  Div: {
    symbol: '/',
    ints: (a, b) => new Float(divideInts(a, b)),
    floats: (a, b) => divide(a, b, 'float division by zero')
  },
  FloorDiv: {
    symbol: '//',
    fast: (a, b) => (a - fastModulo(a, b)) / b,
    ints: (a, b) => normalizeInt(floorDivide(a, b)),
    floats: floatFloorDivide
  },
  Mod: {
    symbol: '%',
    fast: fastModulo,
    ints: (a, b) => normalizeInt(a - floorDivide(a, b) * b),
    floats: modulo,
    others: (a, b, runtime) => {
      if (a instanceof Markup) return new Markup(formatPercent(a.text, b, runtime, escapeUnlessSafe))
      return typeof a === 'string' ? formatPercent(a, b, runtime) : undefined
    }
  },
  Pow: { symbol: '** or pow()', ints: power, floats: floatPower }
}

/**
 * Applies one of Python's operators.
 *
 * @throws TemplateFault TypeError, ZeroDivisionError, or UndefinedError
 */
export function applyOperator(type: BinaryOperator, a: Value, b: Value, runtime: Runtime): Value {
  const operator = OPERATORS[type]
  if (typeof a === 'number' && typeof b === 'number') {
    const result = operator.fast?.(a, b)
    if (Number.isSafeInteger(result)) return (result as number) + 0
  }
  if (isNumeric(a) && isNumeric(b)) {
    spendOnBigInts(a, b, runtime)
    return applyToNumbers(operator, a, b)
  }
  return applyToOthers(operator, a, b, runtime)
}

/** Bits of one int times bits of the other that are worked on for a step, as a multiplication does. */
const BITS_PER_STEP = 1_048_576

function spendOnBigInts(a: Numeric, b: Numeric, runtime: Runtime): void {
  if (typeof a !== 'bigint' && typeof b !== 'bigint') return
  runtime.spend((bitsOf(a) * bitsOf(b)) / BITS_PER_STEP + (bitsOf(a) + bitsOf(b)) / BITS_PER_STEP ** 0.5)
}

/** Nearly: a hex digit stands for four. */
const bitsOf = (value: Numeric): number => (typeof value === 'bigint' ? 4 * value.toString(16).length : 64)

function applyToOthers(operator: Operator, a: Value, b: Value, runtime: Runtime): Value {
  // A format may print what is undefined.
  const formats = operator === OPERATORS.Mod && (typeof a === 'string' || a instanceof Markup)
  for (const side of formats ? [] : [a, b]) if (side instanceof Undefined) throw side.fault()
  const result = operator.others?.(printed(a), formats ? b : printed(b), runtime)
  if (result !== undefined) return result
  throw new TemplateFault(
    'TypeError',
    `unsupported operand type(s) for ${operator.symbol}: '${typeName(a)}' and '${typeName(b)}'`
  )
}

const printed = (value: Value): Value => (value instanceof UntrustedText ? value.print() : value)

function applyToNumbers(operator: Operator, a: Numeric, b: Numeric): Value {
  if (a instanceof Float || b instanceof Float) return new Float(operator.floats(toDouble(a), toDouble(b)))
  const result = operator.ints(BigInt(a), BigInt(b))
  if (typeof result === 'bigint' && (result > LARGEST_INT || result < -LARGEST_INT)) throw tooManyBits(operator.symbol)
  return result
}

function tooManyBits(symbol: string): TemplateFault {
  return new TemplateFault('LimitError', `the result of ${symbol} has more than ${MAX_INT_BITS} bits`)
}

type Comparison = (a: Value, b: Value, runtime: Runtime) => boolean

export const comparisons: Readonly<Record<CompareOperator, Comparison>> = {
  '==': isEqual,
  '!=': (a, b, runtime) => !isEqual(a, b, runtime),
  '<': (a, b, runtime) => compare(a, b, '<', runtime) < 0,
  '<=': (a, b, runtime) => compare(a, b, '<=', runtime) <= 0,
  '>': (a, b, runtime) => compare(a, b, '>', runtime) > 0,
  '>=': (a, b, runtime) => compare(a, b, '>=', runtime) >= 0,
  in: (a, b, runtime) => contains(b, a, runtime),
  'not in': (a, b, runtime) => !contains(b, a, runtime)
}

/** Not a number is not equal to itself, though a list finds it by what it is. */
function isEqual(a: Value, b: Value, runtime: Runtime): boolean {
  return !(a instanceof Float && Number.isNaN(a.value)) && equals(a, b, runtime)
}

/** Unary minus and plus. */
export function applySign(sign: '-' | '+', value: Value): Value {
  if (value instanceof Float) return sign === '-' ? new Float(-value.value) : value
  if (typeof value === 'bigint') return sign === '-' ? normalizeInt(-value) : value
  if (typeof value === 'number' || typeof value === 'boolean') return sign === '-' ? 0 - Number(value) : Number(value)
  if (value instanceof Undefined) throw value.fault()
  throw new TemplateFault('TypeError', `bad operand type for unary ${sign}: '${typeName(value)}'`)
}

function divide(a: number, b: number, problem: string): number {
  if (b === 0) throw new TemplateFault('ZeroDivisionError', problem)
  return a / b
}

/** Bits that a quotient is worked out to before it is rounded: two more than a double has. */
const QUOTIENT_BITS = 55

/** Rounded once, from the exact quotient, as CPython does. */
function divideInts(a: bigint, b: bigint): number {
  const [left, right] = [Number(a), Number(b)]
  if (b === 0n || (Number.isSafeInteger(left) && Number.isSafeInteger(right))) {
    return divide(left, right, 'division by zero')
  }
  const [above, below] = [a < 0n ? -a : a, b < 0n ? -b : b]
  const shift = BigInt(QUOTIENT_BITS + bitLength(below) - bitLength(above))
  const [dividend, divisor] = shift >= 0n ? [above << shift, below] : [above, below << -shift]
  const quotient = dividend / divisor
  // What is left over decides where the rest lies exactly between two.
  const exact = dividend % divisor === 0n ? quotient : quotient | 1n
  const half = Number(shift) / 2
  const result = Number(exact) * 2 ** -Math.floor(half) * 2 ** -Math.ceil(half)
  if (Number.isFinite(result)) return a < 0n === b < 0n ? result : -result
  throw new TemplateFault('OverflowError', 'integer division result too large for a float')
}

const bitLength = (value: bigint): number => value.toString(2).length

function floorDivide(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new TemplateFault('ZeroDivisionError', 'integer division or modulo by zero')
  const quotient = a / b
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient
}

function modulo(a: number, b: number): number {
  if (b === 0) throw new TemplateFault('ZeroDivisionError', 'float modulo')
  const remainder = fastModulo(a, b)
  // A remainder of nothing has the sign of the divisor too.
  return remainder === 0 ? Math.sign(b) * 0 : remainder
}

/** By the remainder, as CPython does: 1.0 // 0.1 is 9.0, though 1.0 / 0.1 rounds to 10.0. */
function floatFloorDivide(a: number, b: number): number {
  const quotient = divide(a, b, 'float floor division by zero')
  const remainder = a % b
  const whole = (a - remainder) / b - (remainder !== 0 && remainder < 0 !== b < 0 ? 1 : 0)
  if (whole === 0) return Math.sign(quotient) * 0
  const floor = Math.floor(whole)
  return whole - floor > 0.5 ? floor + 1 : floor
}

/** Has the sign of the divisor; NaN when that is 0. */
function fastModulo(a: number, b: number): number {
  const remainder = a % b
  return remainder !== 0 && remainder < 0 !== b < 0 ? remainder + b : remainder
}

function power(base: bigint, exponent: bigint): Int | Float {
  if (exponent < 0n) return new Float(floatPower(Number(base), Number(exponent)))
  const bits = BigInt(binaryLength(base)) * exponent
  if (bits <= MAX_INT_BITS) return normalizeInt(base ** exponent)
  // Only 0, 1 and -1 stay small.
  if (base * base <= 1n) return normalizeInt(base ** (2n - (exponent % 2n)))
  throw tooManyBits('**')
}

/** Of the digits in base 2 with their sign, for which those in base 16 are enough: they are found far sooner. */
function binaryLength(value: bigint): number {
  const hex = value.toString(16)
  const sign = hex.startsWith('-') ? 1 : 0
  const first = Number.parseInt(hex.charAt(sign), 16).toString(2).length
  return sign + first + 4 * (hex.length - sign - 1)
}

/** C's pow() knows these of what is no number, or has no end. */
const isOneByPow = (base: number, exponent: number): boolean =>
  base === 1 || (base === -1 && Math.abs(exponent) === Infinity)

function floatPower(base: number, exponent: number): number {
  if (base === 0 && exponent < 0) {
    throw new TemplateFault('ZeroDivisionError', '0.0 cannot be raised to a negative power')
  }
  if (isOneByPow(base, exponent)) return 1
  const result = base ** exponent
  if (Number.isFinite(result)) return result
  if (Number.isNaN(result) && !Number.isNaN(base) && !Number.isNaN(exponent)) {
    throw new TemplateFault('ValueError', 'the result of ** is a complex number, which templates do not have')
  }
  if (Number.isFinite(base) && Number.isFinite(exponent)) {
    throw new TemplateFault('OverflowError', 'the result of ** is too large for a float')
  }
  return result
}
