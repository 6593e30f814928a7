import { contains } from '../values/contains.ts'
import { equals } from '../values/equality.ts'
import type { Evaluate } from './frame.ts'
import { compare } from '../values/order.ts'
import type { Runtime } from '../runtime.ts'
import type { Scope } from './scope.ts'
import type { CompareOperator, SyntaxNode } from '../syntax/syntax.ts'
import { locateFault } from '../template-fault.ts'
import type { Value } from '../values/value.ts'

type Comparison = (a: Value, b: Value, runtime: Runtime) => boolean

export const comparisons: Readonly<Record<CompareOperator, Comparison>> = {
  '==': equals,
  '!=': (a, b, runtime) => !equals(a, b, runtime),
  '<': (a, b, runtime) => compare(a, b, '<', runtime) < 0,
  '<=': (a, b, runtime) => compare(a, b, '<=', runtime) <= 0,
  '>': (a, b, runtime) => compare(a, b, '>', runtime) > 0,
  '>=': (a, b, runtime) => compare(a, b, '>=', runtime) >= 0,
  in: (a, b, runtime) => contains(b, a, runtime),
  'not in': (a, b, runtime) => !contains(b, a, runtime)
}

/** `a < b < c` holds when each pair does; what follows a pair that does not is not looked at. */
export function compileComparison(node: SyntaxNode<'Compare'>, scope: Scope): Evaluate {
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
