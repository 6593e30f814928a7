import { makeNode, type Expression } from './syntax.ts'
import { MAX_INT_DIGITS } from './parse-number.ts'
import { TemplateFault } from '../template-fault.ts'
import type { Token } from './tokens.ts'

/** Whole numbers past 2^53 become a BigInt, as Python's have no end. */
export function parseNumber(token: Token): Expression {
  const digits = token.value.replaceAll('_', '')
  if (token.type === 'float') return makeNode('FloatLiteral', token, Number(digits))
  if (digits.length > MAX_INT_DIGITS) {
    throw new TemplateFault('TemplateSyntaxError', 'an integer has too many digits', token.lineno, token.colno)
  }
  const value = Number(digits)
  return makeNode('Literal', token, Number.isSafeInteger(value) ? value : BigInt(digits))
}
