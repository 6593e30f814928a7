import { findKontrolError, KontrolError, messageOf, type Problem } from '../errors.ts'
import type { Rendered, TemplateVariables } from './template.ts'

/** To the process that renders: what it shall know from now on, and last that it shall render. */
export type TemplateRequest =
  | { readonly template: string }
  /** `ListChanges` as JSON, in which every number of a payload stays as it was written. */
  | { readonly hosts: string }
  | { readonly pods: string }
  | { readonly render: Omit<TemplateVariables, 'hosts' | 'pods'> }

/** From it: that it is there, and then one for each rendering, behind the pieces of a text that is not whole in it. */
export type TemplateAnswer = 'ready' | Rendered | { readonly problem: Problem } | { readonly crash: string }

/** The beginning of a rendered text. */
export interface TextPiece {
  readonly piece: string
}

/** Characters in one message: it is copied and read in one turn of the event loop. */
const PIECE = 256 * 1024

/** An answer as messages that are read in turns. */
export function* messagesOf(answer: TemplateAnswer): Generator<TextPiece | TemplateAnswer> {
  if (answer === 'ready' || !('text' in answer)) {
    yield answer
    return
  }
  const { text } = answer
  let from = 0
  for (; text.length - from > PIECE; from += PIECE) yield { piece: text.slice(from, from + PIECE) }
  yield { ...answer, text: text.slice(from) }
}

/** @param pieces those that came before the last message */
export function wholeAnswer(pieces: readonly string[], last: TemplateAnswer): TemplateAnswer {
  if (pieces.length === 0 || last === 'ready' || !('text' in last)) return last
  return { ...last, text: [...pieces, last.text].join('') }
}

/** An error on its way out of the process. */
export function toAnswer(error: unknown): TemplateAnswer {
  const known = findKontrolError(error)
  if (known !== undefined) return { problem: known.problem }
  return { crash: (error instanceof Error ? error.stack : undefined) ?? messageOf(error) }
}

/** @throws KontrolError as it was thrown there, Error for what nobody foresaw */
export function renderedOf(answer: TemplateAnswer): Rendered {
  if (answer !== 'ready' && 'text' in answer) return answer
  if (answer !== 'ready' && 'problem' in answer) {
    const { code, message, hint } = answer.problem
    throw new KontrolError(code, message, hint === undefined ? {} : { hint })
  }
  throw new Error(answer === 'ready' ? 'the process that renders began anew' : answer.crash)
}
