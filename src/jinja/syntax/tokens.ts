import type { Position } from '../template-fault.ts'

/** The names are those of nunjucks' lexer, as its parser looks for them; `eof` is ours. */
export type TokenType =
  | 'data'
  | 'block-start'
  | 'block-end'
  | 'variable-start'
  | 'variable-end'
  | 'symbol'
  | 'string'
  | 'int'
  | 'float'
  | 'operator'
  | 'comma'
  | 'colon'
  | 'tilde'
  | 'pipe'
  | 'left-paren'
  | 'right-paren'
  | 'left-bracket'
  | 'right-bracket'
  | 'left-curly'
  | 'right-curly'
  | 'eof'

export interface Token extends Position {
  readonly type: TokenType
  readonly value: string
}

/** Operators with a token type of their own. */
export const PUNCTUATION: ReadonlyMap<string, TokenType> = new Map([
  ['(', 'left-paren'],
  [')', 'right-paren'],
  ['[', 'left-bracket'],
  [']', 'right-bracket'],
  ['{', 'left-curly'],
  ['}', 'right-curly'],
  [',', 'comma'],
  [':', 'colon'],
  ['~', 'tilde'],
  ['|', 'pipe']
])

const DESCRIPTIONS: Partial<Record<TokenType, string>> = {
  data: 'template data / text',
  'block-start': 'begin of statement block',
  'block-end': 'end of statement block',
  'variable-start': 'begin of print statement',
  'variable-end': 'end of print statement',
  string: 'string',
  int: 'integer',
  float: 'float',
  symbol: 'name',
  eof: 'end of template'
}

/** How Jinja2's messages name a type of token. */
export function describeTokenType(type: TokenType): string {
  for (const [operator, operatorType] of PUNCTUATION) if (operatorType === type) return operator
  return DESCRIPTIONS[type] ?? type
}

/** How Jinja2's messages name a token that was found. */
export function describeToken({ type, value }: Token): string {
  return type === 'symbol' || type === 'operator' ? value : describeTokenType(type)
}
