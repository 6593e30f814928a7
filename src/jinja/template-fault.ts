import { KontrolError } from '../errors.ts'

/** What kind of mistake a template made, in the words of Python. */
export type FaultKind =
  | 'TemplateSyntaxError'
  | 'TemplateAssertionError'
  | 'UndefinedError'
  | 'TypeError'
  | 'ValueError'
  | 'KeyError'
  | 'IndexError'
  | 'RuntimeError'
  | 'ZeroDivisionError'
  | 'OverflowError'
  | 'FilterArgumentError'
  | 'LimitError'

/**
 * A mistake inside a template. Thrown without a position by whatever notices
 * it; the innermost piece of the template that was running adds its own.
 */
export class TemplateFault extends Error {
  override readonly name = 'TemplateFault'
  readonly kind: FaultKind
  /** Both count from 1. */
  line: number | undefined
  column: number | undefined

  constructor(kind: FaultKind, message: string, line?: number, column?: number) {
    super(message)
    this.kind = kind
    this.line = line
    this.column = column
  }
}

export interface Position {
  readonly lineno: number
  readonly colno: number
}

/** Notes where a fault came up, unless a more exact place is known already. */
export function locateFault(error: unknown, { lineno, colno }: Position): unknown {
  const fault = error instanceof RangeError ? asLimitFault(error) : error
  if (fault instanceof TemplateFault && fault.line === undefined) {
    fault.line = lineno
    fault.column = colno
  }
  return fault
}

/** JavaScript's own complaint about too deep a stack, too long a string, or a character that does not exist. */
function asLimitFault({ message }: RangeError): TemplateFault {
  const tooDeep = message.includes('call stack')
  return new TemplateFault(
    'LimitError',
    tooDeep ? 'the template is nested too deeply' : `a value is out of range: ${message}`
  )
}

const HINTS: Partial<Record<FaultKind, string>> = {
  TemplateAssertionError: 'Use the filters, tests and functions of docs/templates.md.',
  UndefinedError: 'Check the name, or give it a value with "| default(…)" or "is defined".',
  LimitError: 'Loop over less, or leave out what grows; docs/templates.md lists the limits.'
}

/** Longest part of a source line that a message shows. */
const SHOWN_CHARACTERS = 160

/** Turns a fault into the error that an operator reads: where, what, and the line of the template. */
export function describeFault(error: unknown, source: string, shown: (text: string) => string): unknown {
  const fault = error instanceof RangeError ? asLimitFault(error) : error
  if (!(fault instanceof TemplateFault)) return error
  const { kind, message, line, column } = fault
  const place = line === undefined ? '' : `, line ${line}${column === undefined ? '' : `, column ${column}`}`
  const code = kind === 'LimitError' ? 'KTL_TEMPLATE_LIMIT' : 'KTL_TEMPLATE_INVALID'
  const found = `${shown(message)} (${kind})${quoteLine(source, line, shown)}`
  return new KontrolError(code, `Template${place}: ${found}`, {
    cause: fault,
    hint: HINTS[kind] ?? 'Correct the template; "kontrol render --template <file>" tries it offline.'
  })
}

function quoteLine(source: string, line: number | undefined, shown: (text: string) => string): string {
  const own = line === undefined ? undefined : source.split(/\r\n|\r|\n/)[line - 1]
  if (own === undefined) return ''
  const text = shown(own)
  return `\n  ${line} | ${text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text}`
}
