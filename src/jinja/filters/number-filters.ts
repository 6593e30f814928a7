import { MAX_INT_DIGITS, parseFloatText, parseIntText } from '../syntax/literals.ts'
import { TemplateFault } from '../template-fault.ts'
import { asInt, asIntOr, nativeTable, type BoundArguments } from '../values/native-function.ts'
import {
  isInt,
  isNumeric,
  normalizeInt,
  roundDecimal,
  roundInt,
  toDouble,
  truncate,
  type Int
} from '../values/numbers.ts'
import { formatDouble } from '../values/text/format-number.ts'
import { UntrustedText } from '../values/untrusted-text.ts'
import {
  Float,
  Markup,
  NONE,
  Undefined,
  isTrue,
  typeName,
  type NativeFunction,
  type Runtime,
  type Value
} from '../values/value.ts'

/** Filters about numbers. */
export const numberFilters: readonly [string, NativeFunction][] = nativeTable({
  abs: [[], absolute],
  int: [['default?', 'base?'], toInt],
  float: [['default?'], (value, [fallback = new Float(0)]) => floatOf(value) ?? fallback],
  round: [['precision?', 'method?'], round],
  filesizeformat: [['binary?'], (value, [binary = false]) => fileSize(value, isTrue(binary))]
})

function absolute(value: Value): Value {
  if (value instanceof Float) return new Float(Math.abs(value.value))
  if (typeof value === 'bigint') return normalizeInt(value < 0n ? -value : value)
  if (isInt(value)) return Math.abs(Number(value))
  if (value instanceof Undefined) throw value.fault()
  throw new TemplateFault('TypeError', `bad operand type for abs(): '${typeName(value)}'`)
}

/** Characters of a number times themselves, as reading a long one takes, for a step. */
const PAIRS_PER_STEP = 4096

function toInt(value: Value, [fallback = 0, base]: BoundArguments, runtime: Runtime): Value {
  if (isInt(value)) return typeof value === 'boolean' ? Number(value) : value
  if (value instanceof Float) return Number.isNaN(value.value) ? fallback : truncate(value.value)
  const ofText = (text: string): Int | undefined => {
    runtime.spend(Math.min(text.length, MAX_INT_DIGITS) ** 2 / PAIRS_PER_STEP + text.length / PAIRS_PER_STEP)
    const parsed = base === undefined || isInt(base) ? parseIntText(text, asIntOr(base, 10)) : undefined
    return parsed ?? wholePart(text)
  }
  if (value instanceof UntrustedText) return value.ask(ofText) ?? fallback
  const text = textOf(value)
  return text === undefined ? fallback : (ofText(text) ?? fallback)
}

/** So that '42.23'|int is 42. */
function wholePart(text: string): Int | undefined {
  const double = parseFloatText(text)
  return double === undefined || Number.isNaN(double) ? undefined : truncate(double)
}

function textOf(value: Value): string | undefined {
  if (value instanceof Undefined) throw value.fault()
  if (value instanceof Markup) return value.text
  return typeof value === 'string' ? value : undefined
}

function floatOf(value: Value): Float | undefined {
  if (isNumeric(value)) return new Float(toDouble(value))
  const text = textOf(value)
  const double =
    value instanceof UntrustedText ? value.ask(parseFloatText) : text === undefined ? undefined : parseFloatText(text)
  return double === undefined ? undefined : new Float(double)
}

function round(value: Value, [precision = 0, method = 'common']: BoundArguments): Value {
  if (method !== 'common' && method !== 'ceil' && method !== 'floor') {
    throw new TemplateFault('FilterArgumentError', 'method must be common, ceil or floor')
  }
  if (value instanceof Undefined) throw value.fault()
  if (!isNumeric(value)) {
    throw new TemplateFault('TypeError', `type ${typeName(value)} doesn't define __round__ method`)
  }
  if (method === 'common') return roundCommon(value, precision)
  const scale = 10 ** asInt(precision)
  return new Float(Number(truncate(Math[method](toDouble(value) * scale))) / scale)
}

/** As Python's round(): without a precision, of a float too, an int. */
function roundCommon(value: Int | boolean | Float, precision: Value): Value {
  const digits = precision === NONE ? 0 : asInt(precision)
  if (!(value instanceof Float)) return roundInt(value, digits)
  const rounded = roundDecimal(value.value, digits)
  return precision === NONE ? truncate(rounded) : new Float(rounded)
}

function fileSize(value: Value, binary: boolean): string {
  const bytes = floatOf(value)?.value
  if (bytes === undefined) {
    throw new TemplateFault('ValueError', `could not convert to float: a value of type '${typeName(value)}'`)
  }
  const base = binary ? 1024 : 1000
  if (bytes === 1) return '1 Byte'
  if (bytes < base) return `${truncate(bytes)} Bytes`
  const letters = binary ? 'KMGTPEZY' : 'kMGTPEZY'
  const step = Array.from(letters).findIndex((_, index) => bytes < base ** (index + 2))
  const index = step === -1 ? letters.length - 1 : step
  return `${formatDouble((base * bytes) / base ** (index + 2), 'f', 1, false)} ${letters.charAt(index)}${binary ? 'iB' : 'B'}`
}
