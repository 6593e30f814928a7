import nunjucks from 'nunjucks'
import type { Token, TokenType } from './tokens.ts'

/** nunjucks 3.2.4 exports its parser and its nodes; @types/nunjucks leaves them untyped. */
export interface NodeConstructor {
  new (lineno: number, colno: number, ...fields: unknown[]): object
  extend(typename: string, members: { fields: readonly string[] }): NodeConstructor
}

interface TokenSource {
  nextToken(): Token
}

/** The part of nunjucks' parser that ours stands on. */
interface NunjucksParser {
  nextToken(): Token
  peekToken(): Token
  pushToken(token: Token): void
  skip(type: TokenType): boolean
  skipValue(type: TokenType, value: string): boolean
  skipSymbol(value: string): boolean
  parseOr(): object
}

interface Internals {
  parser: { Parser: new (tokens: TokenSource) => NunjucksParser }
  nodes: Record<string, NodeConstructor> & { Node: NodeConstructor }
}

const internals = nunjucks as unknown as Internals

export const Parser = internals.parser.Parser
export const nunjucksNodes = internals.nodes
