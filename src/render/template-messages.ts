import { findKontrolError, KontrolError, messageOf, type Problem } from '../errors.ts'
import { commonEnd, commonStart } from '../platform/text/common-text.ts'
import type { Rendered, TemplateVariables } from './template.ts'

/** To the process that renders: what it shall know from now on, and last that it shall render. */
export type TemplateRequest =
  | { readonly template: string }
  /** `ListChanges` as JSON, in which every number of a payload stays as it was written. */
  | { readonly hosts: string }
  | { readonly pods: string }
  | { readonly render: Omit<TemplateVariables, 'hosts' | 'pods'> }

/** From it: that it is there, and then one for each rendering. */
export type TemplateAnswer = 'ready' | Rendered | { readonly problem: Problem } | { readonly crash: string }

/** Some of a rendered text, in the order of the text. */
interface TextPiece {
  readonly piece: string
}

/** Behind the pieces of a text: what it has in common with the one before, at its beginning and at its end. */
interface RenderedRest extends Omit<Rendered, 'text'> {
  readonly head: number
  readonly tail: number
}

export type AnswerMessage = TextPiece | RenderedRest | Exclude<TemplateAnswer, Rendered>

/** Characters in one message: it is copied and read in one turn of the event loop. */
const PIECE = 256 * 1024

/** An end of the way on which texts come back, one mostly like the one before: each end keeps the last. */
export class TextChannel {
  #last = ''
  #pieces: string[] = []

  /** @returns the answer, once its last message is there */
  take(message: AnswerMessage): TemplateAnswer | undefined {
    if (message === 'ready' || 'problem' in message || 'crash' in message) return message
    if ('piece' in message) {
      this.#pieces.push(message.piece)
      return undefined
    }
    const { head, tail, ...rest } = message
    const before = this.#last
    const text = [before.slice(0, head), ...this.#pieces, before.slice(before.length - tail)].join('')
    this.#pieces = []
    this.#last = text
    return { ...rest, text }
  }

  /** An answer as messages that are read in turns. */
  *messagesOf(answer: TemplateAnswer): Generator<AnswerMessage> {
    if (answer === 'ready' || !('text' in answer)) {
      yield answer
      return
    }
    const { text, ...rest } = answer
    const head = commonStart(this.#last, text)
    const tail = commonEnd(this.#last, text, Math.min(this.#last.length, text.length) - head)
    const end = text.length - tail
    for (let from = head; from < end; from += PIECE) yield { piece: text.slice(from, Math.min(from + PIECE, end)) }
    this.#last = text
    yield { ...rest, head, tail }
  }
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
