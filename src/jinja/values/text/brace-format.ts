import { TemplateFault } from '../../template-fault.ts'
import { isInt, isNumeric, toDouble, type Int } from '../numbers.ts'
import { ascii, repr, toText } from '../print.ts'
import { sequenceOf } from '../attributes.ts'
import { characterCount, characterOf } from './characters.ts'
import { formatDouble, groupDigits, withPoint } from './format-number.ts'
import { UntrustedText } from '../untrusted-text.ts'
import { Markup, Undefined, typeName, type Arguments, type Float, type Runtime, type Value } from '../value.ts'

interface Spec {
  readonly fill: string
  readonly align: string
  readonly sign: string
  /** No minus before what rounds to zero. */
  readonly positiveZero: boolean
  readonly alternate: boolean
  readonly width: number
  readonly grouping: string
  readonly precision: number | undefined
  readonly type: string
}

const SPEC = /^(?:([\s\S])?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/u

/** Python's format(value, spec): `[[fill]align][sign][z][#][0][width][grouping][.precision][type]`. */
function formatWithSpec(value: Value, spec: string, runtime: Runtime): string {
  if (spec === '') return toText(value)
  const parsed = parseSpec(spec)
  runtime.allowLength(Math.max(parsed.width, parsed.precision ?? 0))
  if (typeof value === 'string' || value instanceof Markup) return formatText(toText(value), parsed, spec)
  if (isNumeric(value)) return formatNumber(value, parsed)
  if (value instanceof UntrustedText) return value.print()
  throw new TemplateFault('TypeError', `unsupported format string passed to ${typeName(value)}.__format__`)
}

function parseSpec(spec: string): Spec {
  const match = SPEC.exec(spec)
  if (match === null) throw new TemplateFault('ValueError', `Invalid format specifier '${spec}'`)
  const [, fill, align, sign = '-', positiveZero, alternate, zero, width = '0', grouping = '', precision, type = ''] =
    match
  const byZero = zero === undefined ? { fill: ' ', align: '' } : { fill: '0', align: '=' }
  return {
    fill: fill ?? byZero.fill,
    align: align ?? byZero.align,
    sign,
    positiveZero: positiveZero !== undefined,
    alternate: alternate !== undefined,
    width: Number(width),
    grouping,
    precision: precision === undefined ? undefined : Number(precision),
    type
  }
}

function formatText(text: string, spec: Spec, written: string): string {
  if (spec.type !== '' && spec.type !== 's') throw unknownCode(spec.type, 'str')
  if (isOfNumbers(spec, written)) {
    throw new TemplateFault('ValueError', `a string takes no sign, no "#", "z", "," and "_" in '${written}'`)
  }
  if (spec.align === '=' && spec.fill !== '0') {
    throw new TemplateFault('ValueError', "'=' alignment not allowed in string format specifier")
  }
  const cut = spec.precision === undefined ? text : Array.from(text).slice(0, spec.precision).join('')
  return fillUp('', cut, { ...spec, align: /^=?$/.test(spec.align) ? '<' : spec.align })
}

/** A sign counts also where it is the one that is taken anyway. */
function isOfNumbers({ grouping, alternate, positiveZero }: Spec, written: string): boolean {
  return grouping !== '' || alternate || positiveZero || /^(?:[\s\S]?[<>=^])?[-+ ]/u.test(written)
}

function formatNumber(value: Int | boolean | Float, spec: Spec): string {
  const text = isInt(value) && 'bcdoxXn'.includes(spec.type) ? intText(value, spec) : doubleText(value, spec)
  const digits = text.startsWith('-') ? text.slice(1) : text
  const prefix = spec.alternate && /^[boxX]$/.test(spec.type) ? `0${spec.type}` : ''
  return fillUp(signOf(text, spec) + prefix, digits, { ...spec, align: spec.align === '' ? '>' : spec.align })
}

/** @param text the number with its minus, where it has one; with "z" one that is rounded to zero has none */
function signOf(text: string, { positiveZero, sign }: Spec): string {
  const negative = text.startsWith('-') && !(positiveZero && /^-[0.,_]*(?:e.*)?%?$/i.test(text))
  if (negative) return '-'
  return sign === '-' ? '' : sign
}

const BASES: ReadonlyMap<string, number> = new Map([
  ['b', 2],
  ['o', 8],
  ['x', 16],
  ['X', 16]
])

/** Commas stand between thousands, which only decimal numbers have. */
function takesGrouping({ grouping, type }: Spec): boolean {
  if (grouping === '') return true
  return type !== 'c' && type !== 'n' && !(grouping === ',' && BASES.has(type))
}

function intText(value: Int | boolean, spec: Spec): string {
  if (spec.precision !== undefined) {
    throw new TemplateFault('ValueError', 'Precision not allowed in integer format specifier')
  }
  if (spec.positiveZero) throw new TemplateFault('ValueError', '"z" is not allowed in an integer format specifier')
  if (!takesGrouping(spec)) {
    throw new TemplateFault('ValueError', `Cannot specify '${spec.grouping}' with '${spec.type}'.`)
  }
  const whole = BigInt(value)
  if (spec.type === 'c') return characterOf(whole)
  const base = BASES.get(spec.type) ?? 10
  const digits = groupDigits(whole.toString(base), spec.grouping, base === 10 ? 3 : 4)
  return spec.type === 'X' ? digits.toUpperCase() : digits
}

function doubleText(value: Int | boolean | Float, spec: Spec): string {
  if (!'eEfFgG%n'.includes(spec.type)) throw unknownCode(spec.type, typeName(value))
  const double = toDouble(value)
  if (spec.type === '%') return `${formatDouble(double * 100, 'f', spec.precision ?? 6, spec.alternate)}%`
  if (spec.grouping !== '' && spec.type === 'n')
    throw new TemplateFault('ValueError', `Cannot specify '${spec.grouping}' with 'n'.`)
  if (spec.type === '' && spec.precision === undefined) {
    const shortest = toText(value)
    return groupDigits(spec.alternate ? withPoint(shortest) : shortest, spec.grouping, 3)
  }
  return preciseText(double, spec)
}

function preciseText(double: number, spec: Spec): string {
  const type = spec.type === '' || spec.type === 'n' ? 'g' : spec.type
  const text = formatDouble(double, type, spec.precision ?? 6, spec.alternate)
  // Without a type, a float keeps a digit behind its point.
  const whole = spec.type === '' && /^-?\d+$/.test(text) ? `${text}.0` : text
  return groupDigits(whole, spec.grouping, 3)
}

function fillUp(lead: string, text: string, { fill, align, width }: Spec): string {
  const missing = Math.max(0, width - characterCount(lead + text))
  if (align === '=') return lead + fill.repeat(missing) + text
  if (align === '>') return fill.repeat(missing) + lead + text
  if (align === '<') return lead + text + fill.repeat(missing)
  const left = Math.floor(missing / 2)
  return fill.repeat(left) + lead + text + fill.repeat(missing - left)
}

function unknownCode(type: string, kind: string): TemplateFault {
  return new TemplateFault('ValueError', `Unknown format code '${type}' for object of type '${kind}'`)
}

/** A piece of a format string: text as it is, a doubled brace, a field (one level of fields may stand in its spec), or a stray brace. */
const PIECE = /[^{}]+|\{\{|\}\}|\{((?:[^{}[\]]|\[[^\]]*\])*)(?::((?:[^{}]|\{[^{}]*\})*))?\}|[{}]/g
const FIELD = /^([^.[!]*)((?:\.[^.[!]+|\[[^\]]+\])*)(?:!([sra]))?$/

/** Numbers the fields that have no number of their own; a format must number all of them, or none. */
class Counter {
  #next = 0
  #numbered = false

  nameFor(written: string): string {
    if (written !== '' && !/^\d+$/.test(written)) return written
    if (written !== '') this.#numbered = true
    if (this.#numbered && (written === '' || this.#next > 0)) {
      throw new TemplateFault(
        'ValueError',
        'cannot mix fields that are numbered by hand with fields that are not in a format string'
      )
    }
    return written === '' ? String(this.#next++) : written
  }
}

/** Python's str.format. */
export function formatBraces(format: string, args: Arguments, runtime: Runtime): string {
  runtime.allowFormat(format)
  return expand(format, args, runtime, new Counter())
}

function expand(format: string, args: Arguments, runtime: Runtime, counter: Counter): string {
  let result = ''
  for (const [piece] of format.matchAll(PIECE)) {
    result += expandPiece(piece, args, runtime, counter)
    runtime.allowOutput(result.length)
  }
  return result
}

function expandPiece(piece: string, args: Arguments, runtime: Runtime, counter: Counter): string {
  if (piece === '{{' || piece === '}}') return piece.charAt(0)
  if (piece === '{') throw new TemplateFault('ValueError', "Single '{' encountered in format string")
  if (piece === '}') throw new TemplateFault('ValueError', "Single '}' encountered in format string")
  if (!piece.startsWith('{')) return piece
  const inner = piece.slice(1, -1)
  const colon = inner.replace(/\[[^\]]*\]/g, (key) => '_'.repeat(key.length)).indexOf(':')
  const field = colon === -1 ? inner : inner.slice(0, colon)
  const value = convert(field, args, counter, runtime)
  const spec = colon === -1 ? '' : expand(inner.slice(colon + 1), args, runtime, counter)
  const text = formatWithSpec(value, spec, runtime)
  runtime.allowLength(text.length)
  return text
}

function convert(field: string, args: Arguments, counter: Counter, runtime: Runtime): Value {
  const match = FIELD.exec(field)
  if (match === null) throw new TemplateFault('ValueError', `invalid replacement field '{${field}}'`)
  const [, name = '', path = '', conversion] = match
  let value = argument(counter.nameFor(name), args)
  for (const [step] of path.matchAll(/\.[^.[]+|\[[^\]]+\]/g)) value = follow(value, step, runtime)
  if (conversion === undefined) return value
  if (conversion === 's') return toText(value)
  return conversion === 'a' ? ascii(value) : repr(value)
}

function argument(name: string, { positional, keywords }: Arguments): Value {
  const value = /^\d+$/.test(name) ? positional[Number(name)] : keywords?.get(name)
  if (value !== undefined) return value
  if (/^\d+$/.test(name)) {
    throw new TemplateFault('IndexError', `Replacement index ${name} out of range for positional args tuple`)
  }
  throw new TemplateFault('KeyError', repr(name))
}

function follow(value: Value, step: string, runtime: Runtime): Value {
  if (step.startsWith('.')) {
    const attribute = runtime.attribute(value, step.slice(1))
    if (attribute !== undefined) return attribute
    throw new TemplateFault('UndefinedError', `'${typeName(value)}' object has no attribute '${step.slice(1)}'`)
  }
  const key = step.slice(1, -1)
  if (!(value instanceof Map) && sequenceOf(value) === undefined) {
    throw new TemplateFault('TypeError', `'${typeName(value)}' object is not subscriptable`)
  }
  const item = runtime.item(value, /^\d+$/.test(key) ? Number(key) : key)
  if (item instanceof Undefined) throw new TemplateFault('KeyError', repr(key))
  return item
}
