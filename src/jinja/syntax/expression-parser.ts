import { ArgumentList, noArguments } from './argument-list.ts'
import { nameOrConstant, parseNumber } from './literals.ts'
import {
  POWERS,
  PRODUCTS,
  SUMS,
  makeNode,
  type BinaryOperator,
  type CallArguments,
  type CompareOperator,
  type Expression
} from './syntax.ts'
import { TokenParser } from './token-parser.ts'
import { describeToken, type TokenType } from './tokens.ts'
import type { Position } from '../template-fault.ts'

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

const COMPARISONS: ReadonlySet<string> = new Set<CompareOperator>(['==', '!=', '<', '>', '<=', '>='])
/**
 * nunjucks' parser with the expressions of Jinja2: its precedence, slices,
 * tuples, tests with arguments, chained comparison, and its messages. nunjucks
 * gives the plumbing of tokens, `or`, `and`, `not` and the nodes.
 */
export class ExpressionParser extends TokenParser {
  protected parseExpression(): Expression {
    return this.nested(() => this.#conditional())
  }

  /** An expression in a place where `if` belongs to the statement. */
  protected parseUnconditional(): Expression {
    return this.parseOr() as Expression
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
    const target = this.nested(() => this.parseNot())
    return makeNode('Not', at, target)
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
    const sign = this.skipValue('operator', '-') ? 'Neg' : this.skipValue('operator', '+') ? 'Pos' : undefined
    const operand =
      sign === undefined
        ? this.parsePrimary()
        : makeNode(
            sign,
            at,
            this.nested(() => this.#unary(false))
          )
    const node = this.#postfix(operand)
    return withFilters ? this.#filters(node) : node
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

  protected parsePrimary(): Expression {
    const token = this.nextToken()
    if (token.type === 'symbol') return nameOrConstant(token)
    if (token.type === 'string') return makeNode('Literal', token, this.#joinStrings(token.value))
    if (token.type === 'int' || token.type === 'float') return parseNumber(token)
    if (token.type === 'left-paren') return this.#group()
    if (token.type === 'left-bracket') {
      const items = this.list('right-bracket', () => this.parseExpression())
      return makeNode('Array', token, items)
    }
    if (token.type === 'left-curly') {
      const pairs = this.list('right-curly', () => this.#pair())
      return makeNode('Dict', token, pairs)
    }
    throw this.problem(`unexpected '${describeToken(token)}'`, token)
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
      else if (this.at('left-paren')) node = makeNode('FunCall', at, node, this.#callArguments())
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
    const items = this.list('right-bracket', () => this.#subscribed())
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
      else if (this.at('left-paren')) node = makeNode('FunCall', at, node, this.#callArguments())
      else return node
    }
  }

  /** One filter, behind its `|`. A `null` target is filled in by the statement around it. */
  protected parseFilter(target: Expression | null) {
    const at = this.look(0)
    const name = this.dottedName()
    return makeNode('Filter', at, name, target, this.at('left-paren') ? this.#callArguments() : noArguments)
  }

  #test(target: Expression, at: Position): Expression {
    const negated = this.skipSymbol('not')
    const name = this.dottedName()
    const node = makeNode('Test', at, name, target, this.#testArguments())
    return negated ? makeNode('Not', at, node) : node
  }

  #testArguments(): CallArguments {
    if (this.at('left-paren')) return this.#callArguments()
    const { type, value } = this.look(0)
    if (!BARE_ARGUMENTS.has(type) || (type === 'symbol' && AFTER_BARE_TEST.has(value))) return noArguments
    if (this.atSymbol('is')) throw this.problem('You cannot chain multiple tests with is')
    return { ...noArguments, positional: [this.#postfix(this.parsePrimary())] }
  }

  #callArguments(): CallArguments {
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
