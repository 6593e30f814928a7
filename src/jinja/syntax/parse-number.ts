import { normalizeInt, type Int } from '../values/numbers.ts'

const PREFIXES: ReadonlyMap<number, RegExp> = new Map([
  [2, /^0b_?/i],
  [8, /^0o_?/i],
  [16, /^0x_?/i]
])

/** More digits than that are no int to Python either. */
export const MAX_INT_DIGITS = 4300

/** Python's int(text, base); undefined when it would raise. */
export function parseIntText(text: string, base: number): Int | undefined {
  const signed = text.trim()
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
  const trimmed = text.trim()
  if (/^[-+]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[-+]?\d+(?:_\d+)*)?$/i.test(trimmed)) {
    return Number(trimmed.replaceAll('_', ''))
  }
  if (/^[-+]?inf(?:inity)?$/i.test(trimmed)) return trimmed.startsWith('-') ? -Infinity : Infinity
  return /^[-+]?nan$/i.test(trimmed) ? Number.NaN : undefined
}
