import { TemplateFault } from '../../template-fault.ts'
import { asInt, asIntOr, asText, type BoundArguments } from '../native-function.ts'
import { characterCount, characters } from './characters.ts'
import { Tuple, type Runtime, type Value } from '../value.ts'

/** Python's capitalize: the first character upper, the rest lower. */
export function capitalize(text: string): string {
  const [first = ''] = text
  return titleCharacter(first) + text.slice(first.length).toLowerCase()
}

/** Python's str.title(): each run of letters, so that "they're" becomes "They'Re". */
export function titleCase(text: string): string {
  let inWord = false
  let result = ''
  for (const char of text) {
    result += inWord ? char.toLowerCase() : titleCharacter(char)
    inWord = isCased(char)
  }
  return result
}

export function swapCase(text: string): string {
  return Array.from(text, (char) => {
    if (/\p{Uppercase}/u.test(char)) return char.toLowerCase()
    return /\p{Lowercase}/u.test(char) ? char.toUpperCase() : char
  }).join('')
}

/** Python's str.casefold(): the small letters of what is written alike in capitals, but Cherokee's are the capitals. */
export function foldCase(text: string): string {
  return Array.from(text, (char) => {
    if (/\p{Script=Cherokee}/u.test(char)) return char.toUpperCase()
    return char === 'ı' ? char : char.toLowerCase().toUpperCase().toLowerCase()
  }).join('')
}

/** Letters that stand for two and have a title case of their own, which JavaScript does not know. */
const TITLE_CASE: ReadonlyMap<string, string> = new Map([
  ['Ǆ', 'ǅ'],
  ['Ǉ', 'ǈ'],
  ['Ǌ', 'ǋ'],
  ['Ǳ', 'ǲ'],
  ['ʼN', 'ʼN']
])

function titleCharacter(char: string): string {
  // Georgian has capitals for whole words alone.
  if (/\p{Script=Georgian}/u.test(char)) return char
  const upper = char.toUpperCase()
  const title = TITLE_CASE.get(upper)
  if (title !== undefined) return title
  return upper.length > char.length ? upper.charAt(0) + upper.slice(1).toLowerCase() : upper
}

function isCased(char: string): boolean {
  return /[\p{Lu}\p{Ll}\p{Lt}]/u.test(char)
}

/** Python's islower and isupper: some letter has a case, and all that have are of this one. */
export function isInCase(text: string, other: RegExp): boolean {
  return !other.test(text) && /[\p{Lu}\p{Ll}\p{Lt}]/u.test(text)
}

/** Python's istitle: upper case only at the start of words, lower case only inside. */
export function isTitleCase(text: string): boolean {
  let inWord = false
  let found = false
  for (const char of text) {
    if (/[\p{Lu}\p{Lt}]/u.test(char) ? inWord : /\p{Ll}/u.test(char) && !inWord) return false
    inWord = isCased(char)
    found ||= inWord
  }
  return found
}

type Side = 'left' | 'right' | 'both'

/** Fills a text up to a width; `side` says where the filling goes. */
export function pad(text: string, [width, fill = ' ']: BoundArguments, side: Side, runtime: Runtime): string {
  const char = asText(fill)
  if (characterCount(char) !== 1) {
    throw new TemplateFault('TypeError', 'The fill character must be exactly one character long')
  }
  const missing = Math.max(0, asInt(width) - characterCount(text))
  runtime.allowLength(text.length + missing * char.length)
  if (side === 'left') return char.repeat(missing) + text
  if (side === 'right') return text + char.repeat(missing)
  // CPython puts the odd character on the left when the width is odd.
  const left = Math.floor(missing / 2) + (missing & asInt(width) & 1)
  return char.repeat(left) + text + char.repeat(missing - left)
}

export function fillWithZeros(text: string, [width]: BoundArguments, runtime: Runtime): string {
  const sign = /^[+-]/.test(text) ? text.charAt(0) : ''
  const missing = Math.max(0, asInt(width) - characterCount(text))
  runtime.allowLength(text.length + missing)
  return sign + '0'.repeat(missing) + text.slice(sign.length)
}

export function expandTabs(text: string, [size]: BoundArguments, runtime: Runtime): string {
  const width = Math.max(0, asIntOr(size, 8))
  runtime.allowLength(text.length + width * (text.split('\t').length - 1))
  let column = 0
  let result = ''
  for (const char of text) {
    const piece = char === '\t' ? ' '.repeat(width === 0 ? 0 : width - (column % width)) : char
    column = char === '\n' || char === '\r' ? 0 : column + characterCount(piece)
    result += piece
  }
  return result
}

/** Index of the first (or last) occurrence, in characters; -1 when there is none. */
export function find(text: string, [wanted, start, end]: BoundArguments, last = false): number {
  const { part, offset } = textBetween(text, start, end)
  if (offset > characterCount(text)) return -1
  const at = last ? part.lastIndexOf(asText(wanted)) : part.indexOf(asText(wanted))
  return at === -1 ? -1 : offset + characterCount(part.slice(0, at))
}

export function indexOf(text: string, args: BoundArguments, last = false): number {
  const index = find(text, args, last)
  if (index === -1) throw new TemplateFault('ValueError', 'substring not found')
  return index
}

export function countOccurrences(text: string, [wanted, start, end]: BoundArguments): number {
  const { part } = textBetween(text, start, end)
  const needle = asText(wanted)
  return needle === '' ? characterCount(part) + 1 : part.split(needle).length - 1
}

/** Whether a text begins (or ends) with a string, or with one of a tuple of strings. */
export function matchesEdge(
  text: string,
  [affix, start, end]: BoundArguments,
  matches: (part: string, affix: string) => boolean
): boolean {
  const { part, offset } = textBetween(text, start, end)
  if (offset > characterCount(text)) return false
  const affixes = affix instanceof Tuple ? affix.items : [affix]
  return affixes.some((one) => matches(part, asText(one)))
}

/** Python's replace: all occurrences, or the first `count`. */
export function replaceText(text: string, [old, replacement, count]: BoundArguments, runtime: Runtime): string {
  const [from, to] = [asText(old), asText(replacement)]
  const limit = asIntOr(count, -1)
  const pieces = from === '' ? ['', ...text, ''] : text.split(from)
  const times = limit < 0 ? pieces.length - 1 : Math.min(limit, pieces.length - 1)
  runtime.allowLength(text.length + times * Math.max(0, to.length - from.length))
  const rest = pieces.slice(times).join(from)
  return times === 0 ? rest : `${pieces.slice(0, times).join(to)}${to}${rest}`
}

/** Python's partition: what is before, the separator, what is behind. */
export function partition(text: string, [separator]: BoundArguments, last = false): Value {
  const mark = asText(separator)
  if (mark === '') throw new TemplateFault('ValueError', 'empty separator')
  const at = last ? text.lastIndexOf(mark) : text.indexOf(mark)
  if (at === -1) return new Tuple(last ? ['', '', text] : [text, '', ''])
  return new Tuple([text.slice(0, at), mark, text.slice(at + mark.length)])
}

/** The part of a text between two optional indices (in characters, negative ones from the end), and where it begins. */
function textBetween(text: string, start?: Value, end?: Value): { part: string; offset: number } {
  const all = characters(text)
  const offset = fromEnd(asIntOr(start, 0), all.length)
  const part = all.slice(offset, fromEnd(asIntOr(end, all.length), all.length))
  // An offset past the end finds nothing, not even the empty string.
  return { part: typeof part === 'string' ? part : part.join(''), offset }
}

function fromEnd(index: number, length: number): number {
  return index < 0 ? Math.max(0, index + length) : index
}
