import { compileCall, compileFilter, compileTest } from './compile-call.ts'
import type { Evaluate, Scope } from './scope.ts'
import type { BinaryOperator, Expression, SyntaxNode } from '../syntax/syntax.ts'
import { locateFault, type Position } from '../template-fault.ts'
import { Slice, getAttribute, getItem } from '../values/attributes.ts'
import { dictSet } from '../values/comparison.ts'
import { applyOperator, applySign, comparisons } from '../values/operators.ts'
import { escapeUnlessSafe } from '../values/print.ts'
import { Float, Markup, NONE, Tuple, Undefined, isTrue, type Dict, type Value } from '../values/value.ts'

type Compile<T extends Expression['typename']> = (node: SyntaxNode<T>, scope: Scope) => Evaluate

const compilers: { readonly [T in Expression['typename']]: Compile<T> } = {
  Literal:
    ({ value }) =>
    () =>
      value,
  TemplateData:
    ({ value }) =>
    () =>
      value,
  FloatLiteral: ({ value }) => {
    const float = new Float(value)
    return () => float
  },
  Symbol: ({ value }, scope) => scope.variable(value),
  Array: ({ children }, scope) => compileItems(children, scope),
  Group: ({ children }, scope) => {
    const items = compileItems(children, scope)
    return (frame) => new Tuple(items(frame))
  },
  Dict: compileDict,
  Attribute: (node, scope) => {
    const target = scope.expression(node.target)
    return located(node, (frame) => getAttribute(target(frame), node.name))
  },
  LookupVal: compileLookup,
  Slice: (node) => {
    throw new TypeError(`a slice at line ${node.lineno} stands outside of brackets`)
  },
  InlineIf: compileInlineIf,
  FunCall: compileCall,
  Filter: compileFilter,
  Test: compileTest,
  Or: ({ left, right }, scope) => {
    const [first, second] = [scope.expression(left), scope.expression(right)]
    return (frame) => {
      const value = first(frame)
      return isTrue(value) ? value : second(frame)
    }
  },
  And: ({ left, right }, scope) => {
    const [first, second] = [scope.expression(left), scope.expression(right)]
    return (frame) => {
      const value = first(frame)
      return isTrue(value) ? second(frame) : value
    }
  },
  Add: compileOperator,
  Sub: compileOperator,
  Mul: compileOperator,
  Div: compileOperator,
  FloorDiv: compileOperator,
  Mod: compileOperator,
  Pow: compileOperator,
  Not: ({ target }, scope) => {
    const value = scope.expression(target)
    return (frame) => !isTrue(value(frame))
  },
  Neg: (node, scope) => compileSign('-', node, scope),
  Pos: (node, scope) => compileSign('+', node, scope),
  Join: compileJoin,
  Compare: compileComparison
}

/** Turns an expression into a function of the frame. */
export function compileExpression(node: Expression, scope: Scope): Evaluate {
  const compile = compilers[node.typename] as (node: Expression, scope: Scope) => Evaluate
  return compile(node, scope)
}

/** Adds the place to what goes wrong. */
function located(at: Position, evaluate: Evaluate): Evaluate {
  return (frame) => {
    try {
      return evaluate(frame)
    } catch (error) {
      throw locateFault(error, at)
    }
  }
}

function compileItems(nodes: readonly Expression[], scope: Scope): (frame: Parameters<Evaluate>[0]) => Value[] {
  const items = nodes.map((node) => scope.expression(node))
  return (frame) => items.map((item) => item(frame))
}

function compileDict(node: SyntaxNode<'Dict'>, scope: Scope): Evaluate {
  const pairs = node.children.map(({ key, value }) => [scope.expression(key), scope.expression(value)] as const)
  return located(node, (frame) => {
    const dict: Dict = new Map()
    for (const [key, value] of pairs) dictSet(dict, key(frame), value(frame), frame.runtime)
    return dict
  })
}

function compileLookup(node: SyntaxNode<'LookupVal'>, scope: Scope): Evaluate {
  const target = scope.expression(node.target)
  if (node.val.typename === 'Slice') {
    const { start, stop, step } = node.val
    const [first, last, stride] = [start, stop, step].map((part) => (part === null ? none : scope.expression(part)))
    return located(node, (frame) =>
      getItem(
        target(frame),
        new Slice((first ?? none)(frame), (last ?? none)(frame), (stride ?? none)(frame)),
        frame.runtime
      )
    )
  }
  const key = scope.expression(node.val)
  return located(node, (frame) => getItem(target(frame), key(frame), frame.runtime))
}

const none: Evaluate = () => NONE

function compileInlineIf(node: SyntaxNode<'InlineIf'>, scope: Scope): Evaluate {
  const branch = scope.branch()
  const [condition, yes] = [branch.expression(node.cond), branch.expression(node.body)]
  const otherwise = node.else_ === null ? undefined : branch.expression(node.else_)
  const missing = new Undefined(
    () => `the inline if-expression on line ${node.lineno} evaluated to false and no else section was defined.`
  )
  return (frame) => (isTrue(condition(frame)) ? yes(frame) : (otherwise?.(frame) ?? missing))
}

function compileOperator(node: SyntaxNode<BinaryOperator>, scope: Scope): Evaluate {
  const [left, right] = [scope.expression(node.left), scope.expression(node.right)]
  const { typename } = node
  return located(node, (frame) => applyOperator(typename, left(frame), right(frame), frame.runtime))
}

function compileSign(sign: '-' | '+', node: SyntaxNode<'Neg' | 'Pos'>, scope: Scope): Evaluate {
  const operand = scope.expression(node.target)
  return located(node, (frame) => applySign(sign, operand(frame)))
}

/** The `~` operator. Under autoescape, text that is not marked as safe is escaped first. */
function compileJoin(node: SyntaxNode<'Join'>, scope: Scope): Evaluate {
  const items = compileItems(node.children, scope)
  return located(node, (frame) => {
    const asText = scope.autoescape ? escapeUnlessSafe : (value: Value) => frame.runtime.print(value)
    let text = ''
    for (const item of items(frame)) text += asText(item)
    frame.runtime.allowCopy(text.length)
    return scope.autoescape ? new Markup(text) : text
  })
}

/** `a < b < c` holds when each pair does; what follows a pair that does not is not looked at. */
function compileComparison(node: SyntaxNode<'Compare'>, scope: Scope): Evaluate {
  const first = scope.expression(node.expr)
  const steps = node.ops.map(({ type, expr }) => ({ holds: comparisons[type], operand: scope.expression(expr) }))
  return (frame) => {
    let left = first(frame)
    for (const { holds, operand } of steps) {
      const right = operand(frame)
      try {
        if (!holds(left, right, frame.runtime)) return false
      } catch (error) {
        throw locateFault(error, node)
      }
      left = right
    }
    return true
  }
}
