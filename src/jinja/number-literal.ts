import { makeNode, type Expression } from './syntax.ts'
import type { Token } from './tokens.ts'

/** Whole numbers past 2^53 become a BigInt, as Python's have no end. */
export function parseNumber(token: Token): Expression {
  const digits = token.value.replaceAll('_', '')
  if (token.type === 'float') return makeNode('FloatLiteral', token, Number(digits))
  const value = Number(digits)
  return makeNode('Literal', token, Number.isSafeInteger(value) ? value : BigInt(digits))
}
