import { characterCount } from './code-points.ts'
import { asIntOr, asText, textBetween } from './string-arguments.ts'
import { TemplateFault } from '../template-fault.ts'
import type { BoundArguments } from '../compile/parameters.ts'
import type { Runtime } from '../runtime.ts'
import { Tuple, type Value } from './value.ts'

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
