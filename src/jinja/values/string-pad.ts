import { characterCount } from './code-points.ts'
import type { BoundArguments } from '../compile/parameters.ts'
import type { Runtime } from '../runtime.ts'
import { asInt, asIntOr, asText } from './string-arguments.ts'
import { TemplateFault } from '../template-fault.ts'

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
