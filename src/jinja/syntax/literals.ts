import { makeNode, type Expression } from './syntax.ts'
import type { Token } from './tokens.ts'
import { TemplateFault } from '../template-fault.ts'
import { normalizeInt, type Int } from '../values/numbers.ts'
import { NONE, type None } from '../values/value.ts'

const PREFIXES: ReadonlyMap<number, RegExp> = new Map([
  [2, /^0b_?/i],
  [8, /^0o_?/i],
  [16, /^0x_?/i]
])

/** More digits than that are no int to Python either. */
export const MAX_INT_DIGITS = 4300

/** Python reads the decimal digits of all scripts. */
function asciiDigits(text: string): string {
  return text.replace(/(?![0-9])\p{Nd}/gu, (char) => String(decimalValue(char.codePointAt(0) ?? 0)))
}

/** The digits of a script follow one another, from a code point that ends in 0 or 6; those of mathematics alone do not. */
function decimalValue(codePoint: number): number {
  if (codePoint >= 0x1d7ce && codePoint <= 0x1d7ff) return (codePoint - 0x1d7ce) % 10
  const low = codePoint & 0xf
  return low < 10 && /^\p{Nd}/u.test(String.fromCodePoint(codePoint - low)) ? low : low - 6
}

/** Python's int(text, base); undefined when it would raise. */
export function parseIntText(text: string, base: number): Int | undefined {
  const signed = asciiDigits(text.trim())
  const body = signed.replace(/^[-+]/, '')
  const actual = base === 0 ? baseOf(body) : base
  const digits = body.replace(PREFIXES.get(actual) ?? /^(?!)/, '')
  if (actual < 2 || actual > 36 || digits.length > MAX_INT_DIGITS) return undefined
  if (!/^[0-9a-z]+(?:_[0-9a-z]+)*$/i.test(digits)) return undefined
  const value = valueOf(digits.replaceAll('_', ''), actual)
  return value === undefined ? undefined : normalizeInt(signed.startsWith('-') ? -value : value)
}

function valueOf(digits: string, base: number): bigint | undefined {
  let value = 0n
  for (const char of digits) {
    const digit = Number.parseInt(char, 36)
    if (digit >= base) return undefined
    value = value * BigInt(base) + BigInt(digit)
  }
  return value
}

function baseOf(body: string): number {
  for (const [base, prefix] of PREFIXES) if (prefix.test(body)) return base
  return 10
}

/** Python's float(text); undefined when it would raise. */
export function parseFloatText(text: string): number | undefined {
  const trimmed = asciiDigits(text.trim())
  if (/^[-+]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[-+]?\d+(?:_\d+)*)?$/i.test(trimmed)) {
    return Number(trimmed.replaceAll('_', ''))
  }
  if (/^[-+]?inf(?:inity)?$/i.test(trimmed)) return trimmed.startsWith('-') ? -Infinity : Infinity
  return /^[-+]?nan$/i.test(trimmed) ? Number.NaN : undefined
}

/** Whole numbers past 2^53 become a BigInt, as Python's have no end. */
export function parseNumber(token: Token): Expression {
  const digits = token.value.replaceAll('_', '')
  if (token.type === 'float') return makeNode('FloatLiteral', token, Number(digits))
  if (digits.length > MAX_INT_DIGITS) {
    throw new TemplateFault('TemplateSyntaxError', 'an integer has too many digits', token.lineno, token.colno)
  }
  const value = Number(digits)
  return makeNode('Literal', token, Number.isSafeInteger(value) ? value : BigInt(digits))
}

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\n', ''],
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v']
])

const HEX_DIGITS: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8]
])

const ESCAPE = /\\([0-7]{1,3}|x[0-9a-fA-F]{0,2}|u[0-9a-fA-F]{0,4}|U[0-9a-fA-F]{0,8}|N|[\s\S])/g

/** What stands between the quotes of a literal, with Python's escapes resolved. An unknown escape stays as it is. */
export function unescapeLiteral(raw: string): string {
  if (!raw.includes('\\')) return raw
  return raw.replace(ESCAPE, (whole, escape: string) => {
    const kind = escape.charAt(0)
    if (kind >= '0' && kind <= '7') return String.fromCharCode(Number.parseInt(escape, 8))
    const digits = HEX_DIGITS.get(kind)
    if (digits !== undefined) return fromHex(escape, digits)
    if (kind === 'N') throw new TemplateFault('TemplateSyntaxError', 'characters by name (\\N{…}) are not supported')
    return SIMPLE_ESCAPES.get(kind) ?? whole
  })
}

function fromHex(escape: string, digits: number): string {
  const codePoint = Number.parseInt(escape.slice(1), 16)
  if (escape.length !== digits + 1 || codePoint > 0x10ffff) {
    throw new TemplateFault('TemplateSyntaxError', `truncated or illegal \\${escape.charAt(0)} escape in a string`)
  }
  return String.fromCodePoint(codePoint)
}

const CONSTANTS = new Map<string, None | boolean>([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', NONE],
  ['None', NONE]
])

/** `true`, `none` and their like, or else a name. */
export function nameOrConstant(token: Token): Expression {
  const constant = CONSTANTS.get(token.value)
  return constant === undefined ? makeNode('Symbol', token, token.value) : makeNode('Literal', token, constant)
}
