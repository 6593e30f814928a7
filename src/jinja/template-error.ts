import { KontrolError } from '../errors.ts'
import { asLimitFault, TemplateFault, type FaultKind } from './template-fault.ts'

const HINTS: Partial<Record<FaultKind, string>> = {
  TemplateAssertionError: 'Use the filters, tests and functions of docs/templates.md.',
  UndefinedError: 'Check the name, or give it a value with "| default(…)" or "is defined".',
  LimitError: 'Loop over less, or leave out what grows; docs/templates.md lists the limits.'
}

/** Longest part of a source line that a message shows. */
const SHOWN_CHARACTERS = 160

/** Turns a fault into the error that an operator reads: where, what, and the line of the template. */
export function describeFault(error: unknown, source: string): unknown {
  const fault = error instanceof RangeError ? asLimitFault(error) : error
  if (!(fault instanceof TemplateFault)) return error
  const { kind, message, line, column } = fault
  const place = line === undefined ? '' : `, line ${line}${column === undefined ? '' : `, column ${column}`}`
  const code = kind === 'LimitError' ? 'KTL_TEMPLATE_LIMIT' : 'KTL_TEMPLATE_INVALID'
  return new KontrolError(code, `Template${place}: ${message} (${kind})${quoteLine(source, line)}`, {
    cause: fault,
    hint: HINTS[kind] ?? 'Correct the template; "kontrol render --template <file>" tries it offline.'
  })
}

function quoteLine(source: string, line: number | undefined): string {
  const text = line === undefined ? undefined : source.split(/\r\n|\r|\n/)[line - 1]
  if (text === undefined) return ''
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
  return `\n  ${line} | ${shown}`
}
