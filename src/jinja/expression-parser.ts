import { Parser } from './nunjucks-internals.ts'
import { parseNumber } from './number-literal.ts'
import { makeNode, type BinaryOperator, type CallArguments, type CompareOperator, type Expression } from './syntax.ts'
import { TemplateFault, type FaultKind, type Position } from './template-fault.ts'
import { describeToken, describeTokenType, type Token, type TokenType } from './tokens.ts'

const COMPARISONS: ReadonlySet<string> = new Set<CompareOperator>(['==', '!=', '<', '>', '<=', '>='])
const SUMS: ReadonlyMap<string, BinaryOperator> = new Map([
  ['+', 'Add'],
  ['-', 'Sub']
])
const PRODUCTS: ReadonlyMap<string, BinaryOperator> = new Map([
  ['*', 'Mul'],
  ['/', 'Div'],
  ['//', 'FloorDiv'],
  ['%', 'Mod']
])
const POWERS: ReadonlyMap<string, BinaryOperator> = new Map([['**', 'Pow']])
const CONSTANTS: ReadonlyMap<string, null | boolean> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null]
])
/** Tokens that begin the only argument of a test written without parentheses. */
const BARE_ARGUMENTS: ReadonlySet<TokenType> = new Set([
  'symbol',
  'string',
  'int',
  'float',
  'left-bracket',
  'left-curly'
])
const AFTER_BARE_TEST: ReadonlySet<string> = new Set(['else', 'or', 'and'])
/** Brackets, calls and blocks inside one another. Each level takes some stack while parsing and while rendering. */
const MAX_NESTING = 100

/**
 * nunjucks' parser with the expressions of Jinja2: its precedence, slices,
 * tuples, tests with arguments, chained comparison, and its messages. nunjucks
 * gives the plumbing of tokens, `or`, `and`, `not` and the nodes.
 */
export class ExpressionParser extends Parser {
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

  protected parseExpression(): Expression {
    return this.nested(() => this.#conditional())
  }

  /** An expression in a place where `if` belongs to the statement. */
  protected parseUnconditional(): Expression {
    return this.parseOr() as Expression
  }

  /** One expression, or several with commas: a tuple. */
  protected parseTuple(parse: () => Expression, ends: () => boolean, explicit = false): Expression {
    const at = this.look(0)
    const items: Expression[] = []
    let isTuple = false
    while (!this.#atTupleEnd(ends)) {
      items.push(parse())
      if (!this.skip('comma')) break
      isTuple = true
    }
    const [only] = items
    if (!isTuple && only !== undefined) return only
    if (!isTuple && !explicit) {
      throw this.problem(`Expected an expression, got '${describeToken(this.look(0))}'`)
    }
    return makeNode('Group', at, items)
  }

  #atTupleEnd(ends: () => boolean): boolean {
    return this.at('variable-end') || this.at('block-end') || this.at('right-paren') || ends()
  }

  #conditional(): Expression {
    let node = this.parseUnconditional()
    while (this.atSymbol('if')) {
      const at = this.nextToken()
      const cond = this.parseUnconditional()
      const otherwise = this.skipSymbol('else') ? this.nested(() => this.#conditional()) : null
      node = makeNode('InlineIf', at, cond, node, otherwise)
    }
    return node
  }

  /** Called by nunjucks' parseAnd. */
  protected parseNot(): Expression {
    const at = this.look(0)
    if (!this.skipSymbol('not')) return this.#comparison()
    return makeNode(
      'Not',
      at,
      this.nested(() => this.parseNot())
    )
  }

  #comparison(): Expression {
    const expr = this.#sum()
    const ops = []
    for (;;) {
      const at = this.look(0)
      const operator = this.#takeComparison()
      if (operator === undefined) break
      ops.push(makeNode('CompareOperand', at, this.#sum(), operator))
    }
    return ops.length === 0 ? expr : makeNode('Compare', ops[0] ?? expr, expr, ops)
  }

  #takeComparison(): CompareOperator | undefined {
    const { type, value } = this.look(0)
    if (type === 'operator' && COMPARISONS.has(value)) return this.nextToken().value as CompareOperator
    if (this.skipSymbol('in')) return 'in'
    const next = this.look(1)
    if (!this.atSymbol('not') || next.type !== 'symbol' || next.value !== 'in') return undefined
    this.nextToken()
    this.nextToken()
    return 'not in'
  }

  #sum(): Expression {
    return this.#chain(SUMS, () => this.#concatenation())
  }

  #concatenation(): Expression {
    const at = this.look(0)
    const items = [this.#product()]
    while (this.skip('tilde')) items.push(this.#product())
    return items.length === 1 && items[0] !== undefined ? items[0] : makeNode('Join', at, items)
  }

  #product(): Expression {
    return this.#chain(PRODUCTS, () => this.#power())
  }

  #power(): Expression {
    return this.#chain(POWERS, () => this.#unary(true))
  }

  #chain(operators: ReadonlyMap<string, BinaryOperator>, operand: () => Expression): Expression {
    let left = operand()
    for (;;) {
      const at = this.look(0)
      const type = at.type === 'operator' ? operators.get(at.value) : undefined
      if (type === undefined) return left
      this.nextToken()
      left = makeNode(type, at, left, operand())
    }
  }

  #unary(withFilters: boolean): Expression {
    const at = this.look(0)
    let node: Expression
    if (this.skipValue('operator', '-'))
      node = makeNode(
        'Neg',
        at,
        this.nested(() => this.#unary(false))
      )
    else if (this.skipValue('operator', '+'))
      node = makeNode(
        'Pos',
        at,
        this.nested(() => this.#unary(false))
      )
    else node = this.parsePrimary()
    node = this.#postfix(node)
    return withFilters ? this.#filters(node) : node
  }

  protected parsePrimary(): Expression {
    const token = this.nextToken()
    switch (token.type) {
      case 'symbol': {
        const constant = CONSTANTS.get(token.value)
        return constant === undefined ? makeNode('Symbol', token, token.value) : makeNode('Literal', token, constant)
      }
      case 'string':
        return makeNode('Literal', token, this.#joinStrings(token.value))
      case 'int':
      case 'float':
        return parseNumber(token)
      case 'left-paren':
        return this.#group()
      case 'left-bracket':
        return makeNode(
          'Array',
          token,
          this.#list('right-bracket', () => this.parseExpression())
        )
      case 'left-curly':
        return makeNode(
          'Dict',
          token,
          this.#list('right-curly', () => this.#pair())
        )
      default:
        throw this.problem(`unexpected '${describeToken(token)}'`, token)
    }
  }

  /** Literals side by side are one string. */
  #joinStrings(first: string): string {
    let joined = first
    while (this.at('string')) joined += this.nextToken().value
    return joined
  }

  #group(): Expression {
    const inner = this.nested(() =>
      this.parseTuple(
        () => this.parseExpression(),
        () => false,
        true
      )
    )
    this.require('right-paren')
    return inner
  }

  #list<T>(closing: TokenType, parseItem: () => T): T[] {
    const items: T[] = []
    while (!this.at(closing)) {
      if (items.length > 0) this.require('comma')
      if (this.at(closing)) break
      items.push(parseItem())
    }
    this.require(closing)
    return items
  }

  #pair() {
    const key = this.parseExpression()
    this.require('colon')
    return makeNode('Pair', key, key, this.parseExpression())
  }

  #postfix(operand: Expression): Expression {
    let node = operand
    for (;;) {
      const at = this.look(0)
      if (this.skipValue('operator', '.')) node = this.#attribute(node, at)
      else if (this.skip('left-bracket')) node = this.#subscript(node, at)
      else if (this.at('left-paren')) node = makeNode('FunCall', at, node, this.parseCallArguments())
      else return node
    }
  }

  #attribute(target: Expression, at: Position): Expression {
    const name = this.nextToken()
    if (name.type === 'symbol') return makeNode('Attribute', at, target, name.value)
    if (name.type !== 'int') throw this.problem('expected name or number', name)
    return makeNode('LookupVal', at, target, parseNumber(name))
  }

  #subscript(target: Expression, at: Position): Expression {
    const items = this.#list('right-bracket', () => this.#subscribed())
    const [only] = items
    const key = items.length === 1 && only !== undefined ? only : makeNode('Group', at, items)
    return makeNode('LookupVal', at, target, key)
  }

  #subscribed(): Expression {
    const at = this.look(0)
    const start = this.at('colon') ? null : this.parseExpression()
    if (start !== null && !this.at('colon')) return start
    this.nextToken()
    const stop = this.#sliceBound()
    const step = this.skip('colon') ? this.#sliceBound() : null
    return makeNode('Slice', at, start, stop, step)
  }

  #sliceBound(): Expression | null {
    return this.at('colon') || this.at('right-bracket') || this.at('comma') ? null : this.parseExpression()
  }

  #filters(operand: Expression): Expression {
    let node = operand
    for (;;) {
      const at = this.look(0)
      if (this.skip('pipe')) node = this.parseFilter(node)
      else if (this.skipSymbol('is')) node = this.#test(node, at)
      else if (this.at('left-paren')) node = makeNode('FunCall', at, node, this.parseCallArguments())
      else return node
    }
  }

  /** One filter, behind its `|`. A `null` target is filled in by the statement around it. */
  protected parseFilter(target: Expression | null) {
    const at = this.look(0)
    const name = this.#dottedName()
    return makeNode('Filter', at, name, target, this.at('left-paren') ? this.parseCallArguments() : noArguments)
  }

  #dottedName(): string {
    let name = this.require('symbol').value
    while (this.skipValue('operator', '.')) name += `.${this.require('symbol').value}`
    return name
  }

  #test(target: Expression, at: Position): Expression {
    const negated = this.skipSymbol('not')
    const name = this.#dottedName()
    const node = makeNode('Test', at, name, target, this.#testArguments())
    return negated ? makeNode('Not', at, node) : node
  }

  #testArguments(): CallArguments {
    if (this.at('left-paren')) return this.parseCallArguments()
    const { type, value } = this.look(0)
    if (!BARE_ARGUMENTS.has(type) || (type === 'symbol' && AFTER_BARE_TEST.has(value))) return noArguments
    if (this.atSymbol('is')) throw this.problem('You cannot chain multiple tests with is')
    return { ...noArguments, positional: [this.#postfix(this.parsePrimary())] }
  }

  protected parseCallArguments(): CallArguments {
    const at = this.require('left-paren')
    const list = new ArgumentList(() => this.problem('invalid syntax for function call expression', at))
    for (let first = true; !this.at('right-paren'); first = false) {
      if (!first) this.require('comma')
      if (this.at('right-paren')) break
      this.#argument(list)
    }
    this.require('right-paren')
    return list
  }

  #argument(list: ArgumentList): void {
    const next = this.look(1)
    if (this.skipValue('operator', '*')) list.addStar(this.parseExpression())
    else if (this.skipValue('operator', '**')) list.addDoubleStar(this.parseExpression())
    else if (this.at('symbol') && next.type === 'operator' && next.value === '=') {
      const name = this.nextToken().value
      this.nextToken()
      list.addKeyword(name, this.parseExpression())
    } else list.addPositional(this.parseExpression())
  }
}

const noArguments: CallArguments = { positional: [], keywords: [], star: undefined, doubleStar: undefined }

/** Arguments in the making; keeps Python's order: positional, by name, `*`, `**`. */
class ArgumentList implements CallArguments {
  readonly positional: Expression[] = []
  readonly keywords: (readonly [string, Expression])[] = []
  star: Expression | undefined
  doubleStar: Expression | undefined
  readonly #misplaced: () => Error

  constructor(misplaced: () => Error) {
    this.#misplaced = misplaced
  }

  addPositional(value: Expression): void {
    if (this.keywords.length > 0 || this.star !== undefined || this.doubleStar !== undefined) throw this.#misplaced()
    this.positional.push(value)
  }

  addKeyword(name: string, value: Expression): void {
    if (this.doubleStar !== undefined) throw this.#misplaced()
    this.keywords.push([name, value])
  }

  addStar(value: Expression): void {
    if (this.star !== undefined || this.doubleStar !== undefined) throw this.#misplaced()
    this.star = value
  }

  addDoubleStar(value: Expression): void {
    if (this.doubleStar !== undefined) throw this.#misplaced()
    this.doubleStar = value
  }
}
