import { TemplateFault } from '../../template-fault.ts'
import { dictGet } from '../comparison.ts'
import { isInt, isNumeric, toDouble, truncate, type Int } from '../numbers.ts'
import { ascii, repr, toText } from '../print.ts'
import { Range } from '../range.ts'
import { characterCount, characterOf } from './characters.ts'
import { formatDouble } from './format-number.ts'
import { Float, Markup, Tuple, Undefined, typeName, type Runtime, type Value } from '../value.ts'

const CONVERSION = /%(?:\(([^)]*)\))?([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+)?)?[hlL]?([\s\S])?/gu

/**
 * Python's `format % value`.
 *
 * @param asText prints what `%s` stands for
 */
export function formatPercent(format: string, value: Value, runtime: Runtime, asText = toText): string {
  runtime.allowFormat(format)
  const source = new ArgumentSource(value)
  const text = format.replace(CONVERSION, (whole, key: string | undefined, flags: string, ...rest: unknown[]) => {
    const [width, precision, type] = rest as (string | undefined)[]
    if (type === undefined) throw new TemplateFault('ValueError', 'incomplete format')
    if (type === '%') return '%'
    const conversion = {
      flags,
      width: source.size(width) ?? 0,
      precision: precision === undefined && whole.includes('.') ? 0 : source.size(precision),
      type
    }
    runtime.allowLength(Math.max(conversion.width, conversion.precision ?? 0))
    return convert(source.take(key), conversion, asText)
  })
  source.finish()
  runtime.allowLength(text.length)
  return text
}

/** What stands right of the `%`: a tuple gives its items in turn, a dict gives them by name. */
class ArgumentSource {
  readonly #value: Value
  readonly #items: readonly Value[]
  #index = 0
  #named = false

  constructor(value: Value) {
    this.#value = value
    this.#items = value instanceof Tuple ? value.items : [value]
  }

  take(key: string | undefined): Value {
    if (key !== undefined) return this.#takeNamed(key)
    const item = this.#items[this.#index++]
    if (item === undefined) throw new TemplateFault('TypeError', 'not enough arguments for format string')
    return item
  }

  size(written: string | undefined): number | undefined {
    if (written !== '*') return written === undefined ? undefined : Number(written)
    const size = this.take(undefined)
    if (typeof size !== 'number') throw new TemplateFault('TypeError', '* wants int')
    return size
  }

  finish(): void {
    const unused = this.#index < this.#items.length && !this.#named
    if (unused && !isSubscriptable(this.#value)) {
      throw new TemplateFault('TypeError', 'not all arguments converted during string formatting')
    }
  }

  #takeNamed(key: string): Value {
    this.#named = true
    if (!(this.#value instanceof Map)) throw new TemplateFault('TypeError', 'format requires a mapping')
    const item = dictGet(this.#value, key)
    if (item === undefined) throw new TemplateFault('KeyError', repr(key))
    return item
  }
}

/** What Python takes for a mapping, by name or not, may be left unused. */
const isSubscriptable = (value: Value): boolean =>
  value instanceof Map || Array.isArray(value) || value instanceof Undefined || value instanceof Range

interface Conversion {
  readonly flags: string
  readonly width: number
  readonly precision: number | undefined
  readonly type: string
}

function convert(value: Value, conversion: Conversion, asText: (value: Value) => string): string {
  const { type } = conversion
  if ('sra'.includes(type)) {
    const text = type === 's' ? asText(value) : asText(type === 'a' ? ascii(value) : repr(value))
    const cut = conversion.precision === undefined ? text : Array.from(text).slice(0, conversion.precision).join('')
    return fillUp('', cut, { ...conversion, flags: conversion.flags.replace('0', '') })
  }
  if (type === 'c') return fillUp('', asCharacter(value), { ...conversion, flags: conversion.flags.replace('0', '') })
  if ('diuoxX'.includes(type)) return convertInt(asWhole(value, type), conversion)
  if ('eEfFgG'.includes(type)) return convertDouble(value, conversion)
  throw new TemplateFault('ValueError', `unsupported format character '${type}'`)
}

function asCharacter(value: Value): string {
  const text = value instanceof Markup ? value.text : value
  if (typeof text === 'string' && characterCount(text) === 1) return text
  if (isInt(value)) return characterOf(BigInt(value))
  throw new TemplateFault('TypeError', '%c requires int or char')
}

function asWhole(value: Value, type: string): Int | boolean {
  if (isInt(value)) return value
  if (value instanceof Float && 'diu'.includes(type)) return truncate(value.value)
  const wanted = 'diu'.includes(type) ? 'a real number is required' : 'an integer is required'
  throw new TemplateFault('TypeError', `%${type} format: ${wanted}, not ${typeName(value)}`)
}

const BASES: ReadonlyMap<string, number> = new Map([
  ['o', 8],
  ['x', 16],
  ['X', 16]
])

function convertInt(value: Int | boolean, conversion: Conversion): string {
  const { type, flags, precision = 0 } = conversion
  const whole = BigInt(value)
  const digits = (whole < 0n ? -whole : whole).toString(BASES.get(type) ?? 10).padStart(precision, '0')
  const prefix = flags.includes('#') && BASES.has(type) ? `0${type}` : ''
  return fillUp(signOf(whole < 0n, flags) + prefix, type === 'X' ? digits.toUpperCase() : digits, conversion)
}

function convertDouble(value: Value, conversion: Conversion): string {
  if (!isNumeric(value)) throw new TemplateFault('TypeError', `must be real number, not ${typeName(value)}`)
  const { type, flags, precision = 6 } = conversion
  const text = formatDouble(toDouble(value), type, precision, flags.includes('#'))
  const negative = text.startsWith('-')
  return fillUp(signOf(negative, flags), negative ? text.slice(1) : text, conversion)
}

function signOf(negative: boolean, flags: string): string {
  if (negative) return '-'
  if (flags.includes('+')) return '+'
  return flags.includes(' ') ? ' ' : ''
}

function fillUp(lead: string, text: string, { flags, width }: Conversion): string {
  const missing = Math.max(0, Math.abs(width) - characterCount(lead + text))
  if (flags.includes('-') || width < 0) return lead + text + ' '.repeat(missing)
  return flags.includes('0') ? lead + '0'.repeat(missing) + text : ' '.repeat(missing) + lead + text
}
