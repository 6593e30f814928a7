import { Parser } from './nunjucks-internals.ts'
import { describeToken, describeTokenType, type Token, type TokenType } from './tokens.ts'
import { TemplateFault, type FaultKind, type Position } from '../template-fault.ts'

/** Brackets, calls and blocks inside one another. Each level takes some stack while parsing and while rendering. */
const MAX_NESTING = 100

/** nunjucks' parser over a list of tokens, with Jinja2's messages. */
export class TokenParser extends Parser {
  readonly #tokens: readonly Token[]
  #index = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    super({ nextToken: () => tokens[0] as Token })
    this.#tokens = tokens
  }

  // nunjucks looks one token ahead; Jinja2 needs two ("not in", "x.y =").
  override nextToken(): Token {
    const token = this.look(0)
    this.#index++
    return token
  }

  override peekToken(): Token {
    return this.look(0)
  }

  override pushToken(): void {
    this.#index--
  }

  protected look(ahead: number): Token {
    return this.#tokens[Math.min(this.#index + ahead, this.#tokens.length - 1)] as Token
  }

  protected at(type: TokenType, value?: string): boolean {
    const token = this.look(0)
    return token.type === type && (value === undefined || token.value === value)
  }

  protected atSymbol(value: string): boolean {
    return this.at('symbol', value)
  }

  protected require(type: TokenType, value?: string): Token {
    const token = this.look(0)
    if (this.at(type, value)) return this.nextToken()
    const expected = value ?? describeTokenType(type)
    if (token.type === 'eof') throw this.problem(`unexpected end of template, expected '${expected}'.`, token)
    throw this.problem(`expected token '${expected}', got '${describeToken(token)}'`, token)
  }

  /** Items with commas between them, up to a closing bracket. */
  protected list<T>(closing: TokenType, parseItem: () => T): T[] {
    const items: T[] = []
    while (!this.at(closing)) {
      if (items.length > 0) this.require('comma')
      if (this.at(closing)) break
      items.push(parseItem())
    }
    this.require(closing)
    return items
  }

  protected dottedName(): string {
    let name = this.require('symbol').value
    while (this.skipValue('operator', '.')) name += `.${this.require('symbol').value}`
    return name
  }

  protected problem(message: string, at: Position = this.look(0), kind: FaultKind = 'TemplateSyntaxError') {
    return new TemplateFault(kind, message, at.lineno, at.colno)
  }

  protected nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_NESTING) {
      throw this.problem(`the template is nested too deeply (limit: ${MAX_NESTING} levels)`, undefined, 'LimitError')
    }
    const parsed = parse()
    this.#depth--
    return parsed
  }
}
