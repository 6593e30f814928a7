import type { BoundArguments } from '../compile/parameters.ts'
import { asIntOr, asTextOr } from './string-arguments.ts'
import { TemplateFault } from '../template-fault.ts'
import { isTrue } from './truth.ts'
import type { Value } from './value.ts'
import { isSpace, stripEnd, stripStart } from '../syntax/whitespace.ts'

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
