import { findKontrolError, KontrolError, messageOf, type Problem } from '../errors.ts'
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
