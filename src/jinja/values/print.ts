import { PartLimit } from '../limits.ts'
import { floatText } from './numbers.ts'
import { Float, Iterator, Markup, None, Tuple, Undefined, type Value } from './value.ts'

/** Python's str(): what `{{ … }}` writes. */
export function toText(value: Value): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  if (value instanceof Markup) return value.text
  if (value instanceof Undefined) return ''
  return repr(value)
}

/** Python's repr(): how a value prints inside a list. */
export function repr(value: Value): string {
  return represent(value, new OpenContainers())
}

/** Python's ascii(). */
export function ascii(value: Value): string {
  return repr(value).replace(/[^\0-\x7f]/gu, (char) => escapeCodePoint(char.codePointAt(0) ?? 0))
}

/** The containers that are being printed: one that holds itself shows as `[...]`. */
class OpenContainers extends Set<Value> {
  readonly counter = new PartLimit()
}

function represent(value: Value, open: OpenContainers): string {
  open.counter.spend()
  if (value instanceof None) return 'None'
  if (typeof value === 'string') return quoteText(value)
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return typeof value === 'object' ? representObject(value, open) : String(value)
}

function representObject(
  value: Exclude<Value, None | string | boolean | number | bigint>,
  open: OpenContainers
): string {
  if (value instanceof Float) return floatText(value.value)
  if (value instanceof Markup) return `Markup(${quoteText(value.text)})`
  if (value instanceof Undefined) return 'Undefined'
  if (value instanceof Iterator) return `<${value.typeName} object>`
  if (Array.isArray(value)) return guarded(value, open, '[...]', () => `[${representAll(value, open)}]`)
  if (value instanceof Map) return guarded(value, open, '{...}', () => `{${representPairs(value, open)}}`)
  if (value instanceof Tuple) return guarded(value, open, '(...)', () => representTuple(value, open))
  return value.print()
}

function guarded(value: Value, open: OpenContainers, again: string, print: () => string): string {
  if (open.has(value)) return again
  open.add(value)
  const text = print()
  open.delete(value)
  return text
}

function representAll(items: readonly Value[], open: OpenContainers): string {
  return items.map((item) => represent(item, open)).join(', ')
}

function representTuple({ items }: Tuple, open: OpenContainers): string {
  return items.length === 1 ? `(${representAll(items, open)},)` : `(${representAll(items, open)})`
}

function representPairs(pairs: ReadonlyMap<Value, Value>, open: OpenContainers): string {
  return Array.from(pairs, ([key, item]) => `${represent(key, open)}: ${represent(item, open)}`).join(', ')
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t']
])

/** Python's repr of a string: single quotes, unless it holds some and no double ones. */
function quoteText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  // What Python takes as not printable: controls, separators but the space, surrogates, private use, unassigned.
  const escaped = text.replace(/[\\'"]|[\p{C}\p{Z}]/gu, (char) => {
    if (char === ' ') return char
    if (char === quote) return `\\${char}`
    if (char === "'" || char === '"') return char
    return ESCAPES.get(char) ?? escapeCodePoint(char.codePointAt(0) ?? 0)
  })
  return `${quote}${escaped}${quote}`
}

function escapeCodePoint(codePoint: number): string {
  const hex = codePoint.toString(16)
  if (codePoint <= 0xff) return `\\x${hex.padStart(2, '0')}`
  return codePoint <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ["'", '&#39;'],
  ['"', '&#34;']
])

/** Escapes as MarkupSafe does. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>'"]/g, (char) => ENTITIES.get(char) ?? char)
}

/** What a value prints as where autoescape is on. */
export function escapeUnlessSafe(value: Value): string {
  return value instanceof Markup ? value.text : escapeHtml(toText(value))
}
