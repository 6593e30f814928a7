import { compileArguments } from './compile-call.ts'
import type { Evaluate } from './frame.ts'
import type { NativeFunction } from './library.ts'
import type { Scope } from './scope.ts'
import type { SyntaxNode } from '../syntax/syntax.ts'
import { locateFault, TemplateFault, type Position } from '../template-fault.ts'
import { isTrue } from '../values/truth.ts'

/** @param subject what the filter is applied to, when the statement around it gives that */
export function compileFilter(node: SyntaxNode<'Filter'>, scope: Scope, subject?: Evaluate): Evaluate {
  const value = node.target === null ? subject : compileTarget(node.target, scope, subject)
  if (value === undefined) throw new TypeError('a filter without anything to filter')
  const filter = lookUp('filter', node.name, scope, node)
  const args = compileArguments(node.args, scope)
  return (frame) => {
    try {
      frame.runtime.spend()
      return filter(value(frame), args(frame), frame.runtime)
    } catch (error) {
      throw locateFault(error, node)
    }
  }
}

function compileTarget(
  target: NonNullable<SyntaxNode<'Filter'>['target']>,
  scope: Scope,
  subject?: Evaluate
): Evaluate {
  return subject !== undefined && target.typename === 'Filter'
    ? compileFilter(target, scope, subject)
    : scope.expression(target)
}

export function compileTest(node: SyntaxNode<'Test'>, scope: Scope): Evaluate {
  const subject = scope.expression(node.target)
  const test = lookUp('test', node.name, scope, node)
  const args = compileArguments(node.args, scope)
  return (frame) => {
    try {
      return isTrue(test(subject(frame), args(frame), frame.runtime))
    } catch (error) {
      throw locateFault(error, node)
    }
  }
}

/** A name that nothing answers to is an error at once, but inside a branch only when it is reached, as in Jinja2. */
function lookUp(kind: 'filter' | 'test', name: string, { compilation, inBranch }: Scope, at: Position): NativeFunction {
  const table = kind === 'filter' ? compilation.library.filters : compilation.library.tests
  const found = table.get(name)
  if (found !== undefined) return found
  const fault = (): TemplateFault =>
    new TemplateFault('TemplateAssertionError', `No ${kind} named '${name}'.`, at.lineno, at.colno)
  if (!inBranch) throw fault()
  return () => {
    throw fault()
  }
}
