/** What kind of mistake a template made, in the words of Python. */
export type FaultKind =
  | 'TemplateSyntaxError'
  | 'TemplateAssertionError'
  | 'UndefinedError'
  | 'TypeError'
  | 'ValueError'
  | 'KeyError'
  | 'IndexError'
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
export function asLimitFault({ message }: RangeError): TemplateFault {
  const tooDeep = message.includes('call stack')
  return new TemplateFault(
    'LimitError',
    tooDeep ? 'the template is nested too deeply' : `a value is out of range: ${message}`
  )
}
