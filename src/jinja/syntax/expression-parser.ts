import { OperandParser } from './operand-parser.ts'
import { makeNode, type BinaryOperator, type CompareOperator, type Expression } from './syntax.ts'

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
/**
 * nunjucks' parser with the expressions of Jinja2: its precedence, slices,
 * tuples, tests with arguments, chained comparison, and its messages. nunjucks
 * gives the plumbing of tokens, `or`, `and`, `not` and the nodes.
 */
export class ExpressionParser extends OperandParser {
  protected override parseExpression(): Expression {
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
    node = this.parsePostfix(node)
    return withFilters ? this.parseFilters(node) : node
  }
}
