import { TemplateFault } from '../../template-fault.ts'
import { asIntOr, asTextOr, type BoundArguments } from '../native-function.ts'
import { isTrue, type Value } from '../value.ts'

/** Python counts characters, JavaScript UTF-16 units: they differ where surrogates occur. */
const SURROGATE = /[\ud800-\udfff]/

/** Python's chr(). */
export function characterOf(codePoint: bigint | number): string {
  if (codePoint < 0 || codePoint > 0x10ffff) throw new TemplateFault('OverflowError', 'not in range(0x110000)')
  return String.fromCodePoint(Number(codePoint))
}

/** Length in characters. */
export function characterCount(text: string): number {
  if (!SURROGATE.test(text)) return text.length
  return Array.from(text).length
}

/** The characters, to index and slice by: the string itself where each is one unit. */
export function characters(text: string): string | readonly string[] {
  return SURROGATE.test(text) ? Array.from(text) : text
}

/** Negative, zero or positive, in the order of code points. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : 1
  const left = Array.from(a, (char) => char.codePointAt(0) ?? 0)
  const right = Array.from(b, (char) => char.codePointAt(0) ?? 0)
  const differs = left.findIndex((codePoint, index) => codePoint !== right[index])
  if (differs === -1) return -1
  return differs >= right.length ? 1 : (left[differs] ?? 0) - (right[differs] ?? 0)
}

/** What Python's str.isspace() accepts, as the inside of a character class; JavaScript's \s differs in six characters. */
export const PYTHON_SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'

const TRAILING = new RegExp(`[${PYTHON_SPACE}]`)

/** Python's rstrip(), character by character as a backtracking pattern would take quadratic time. */
export function stripEnd(text: string, strips: (char: string) => boolean = isSpace): string {
  const all = strips === isSpace ? text : characters(text)
  let end = all.length
  while (end > 0 && strips(all[end - 1] as string)) end--
  return typeof all === 'string' ? all.slice(0, end) : all.slice(0, end).join('')
}

/** Python's lstrip(). */
export function stripStart(text: string, strips: (char: string) => boolean = isSpace): string {
  const all = strips === isSpace ? text : characters(text)
  let start = 0
  while (start < all.length && strips(all[start] as string)) start++
  return typeof all === 'string' ? all.slice(start) : all.slice(start).join('')
}

/** Whether a character is one of those in a text, looked up at once however many these are. */
export function oneOf(characters: string): (char: string) => boolean {
  const set = new Set(characters.split(''))
  return (char) => set.has(char)
}

export function isSpace(char: string): boolean {
  return TRAILING.test(char)
}

/** Python's split: at runs of white space, or at each separator; at most `maxsplit` times from the left. */
export function splitText(text: string, [separator, maxsplit]: BoundArguments): Value[] {
  const limit = asIntOr(maxsplit, -1)
  const mark = asTextOr(separator, undefined)
  if (mark === undefined) return splitAtSpaces(text, limit)
  const pieces = splitAt(text, mark)
  if (limit < 0 || pieces.length <= limit + 1) return pieces
  return [...pieces.slice(0, limit), pieces.slice(limit).join(mark)]
}

/** The same from the right. */
export function splitTextFromRight(text: string, [separator, maxsplit]: BoundArguments): Value[] {
  const limit = asIntOr(maxsplit, -1)
  const mark = asTextOr(separator, undefined)
  if (mark === undefined) return splitAtSpacesFromRight(text, limit)
  const pieces = splitAt(text, mark)
  if (limit < 0 || pieces.length <= limit + 1) return pieces
  const kept = pieces.length - limit
  return [pieces.slice(0, kept).join(mark), ...pieces.slice(kept)]
}

function splitAt(text: string, mark: string): string[] {
  if (mark === '') throw new TemplateFault('ValueError', 'empty separator')
  return text.split(mark)
}

function splitAtSpaces(text: string, limit: number): string[] {
  const words: string[] = []
  let rest = stripStart(text)
  while (rest !== '' && (limit < 0 || words.length < limit)) {
    let end = 0
    while (end < rest.length && !isSpace(rest.charAt(end))) end++
    words.push(rest.slice(0, end))
    rest = stripStart(rest.slice(end))
  }
  return rest === '' ? words : [...words, rest]
}

function splitAtSpacesFromRight(text: string, limit: number): string[] {
  const words: string[] = []
  let rest = stripEnd(text)
  while (rest !== '' && (limit < 0 || words.length < limit)) {
    let start = rest.length
    while (start > 0 && !isSpace(rest.charAt(start - 1))) start--
    words.push(rest.slice(start))
    rest = stripEnd(rest.slice(0, start))
  }
  if (rest !== '') words.push(rest)
  return words.reverse()
}

/** Python's line boundaries: more than the newline. */
const LINE = new RegExp(`\r\n|[\n\r\v\f${String.fromCharCode(0x1c, 0x1d, 0x1e)}\x85\u2028\u2029]`, 'g')

export function splitLines(text: string, [keepEnds = false]: BoundArguments): string[] {
  const lines: string[] = []
  let start = 0
  for (const match of text.matchAll(LINE)) {
    const end = match.index + match[0].length
    lines.push(text.slice(start, isTrue(keepEnds) ? end : match.index))
    start = end
  }
  if (start < text.length) lines.push(text.slice(start))
  return lines
}
