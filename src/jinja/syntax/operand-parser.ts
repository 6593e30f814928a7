import { ArgumentList, noArguments } from './argument-list.ts'
import { parseNumber } from './number-literal.ts'
import { makeNode, type CallArguments, type Expression } from './syntax.ts'
import type { Position } from '../template-fault.ts'
import { TokenParser } from './token-parser.ts'
import { describeToken, type Token, type TokenType } from './tokens.ts'

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

/** Parses what operators stand between: literals, names, brackets, and the subscripts, calls, filters and tests behind them. */
export abstract class OperandParser extends TokenParser {
  protected abstract parseExpression(): Expression

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
      return makeNode(
        'Array',
        token,
        this.#list('right-bracket', () => this.parseExpression())
      )
    }
    if (token.type === 'left-curly') {
      return makeNode(
        'Dict',
        token,
        this.#list('right-curly', () => this.#pair())
      )
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

  protected parsePostfix(operand: Expression): Expression {
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

  protected parseFilters(operand: Expression): Expression {
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
    return { ...noArguments, positional: [this.parsePostfix(this.parsePrimary())] }
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

function nameOrConstant(token: Token): Expression {
  const constant = CONSTANTS.get(token.value)
  return constant === undefined ? makeNode('Symbol', token, token.value) : makeNode('Literal', token, constant)
}
