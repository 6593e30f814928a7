import type { Evaluate, Frame, Scope } from './scope.ts'
import type { CallArguments, SyntaxNode } from '../syntax/syntax.ts'
import { TemplateFault, locateFault, type Position } from '../template-fault.ts'
import { findMethod, getAttribute } from '../values/attributes.ts'
import { itemsOf } from '../values/sequences.ts'
import {
  NativeObject,
  Undefined,
  isTrue,
  typeName,
  type Arguments,
  type NativeFunction,
  type Runtime,
  type Value
} from '../values/value.ts'

function callValue(callee: Value, args: Arguments, runtime: Runtime): Value {
  runtime.spend()
  if (callee instanceof NativeObject && callee.call !== undefined) return callee.call(args, runtime)
  if (callee instanceof Undefined) throw callee.fault()
  throw new TemplateFault('TypeError', `'${typeName(callee)}' object is not callable`)
}

/** `subject.name(…)`, without making an object of the method. */
function callMethod(subject: Value, name: string, args: Arguments, runtime: Runtime): Value {
  const method = findMethod(subject, name)
  if (method === undefined) return callValue(getAttribute(subject, name), args, runtime)
  runtime.spend()
  return method(subject, args, runtime)
}

type EvaluateArguments = (frame: Frame) => Arguments

const NONE: Arguments = { positional: [] }

/** @param extra arguments by name that the statement around the call adds */
export function compileCall(
  node: SyntaxNode<'FunCall'>,
  scope: Scope,
  extra?: (frame: Frame) => [string, Value]
): Evaluate {
  const args = compileArguments(node.args, scope)
  const complete: EvaluateArguments = extra === undefined ? args : (frame) => withExtra(args(frame), extra(frame))
  const { name: callee } = node
  if (callee.typename === 'Attribute') {
    const subject = scope.expression(callee.target)
    return (frame) => {
      try {
        return callMethod(subject(frame), callee.name, complete(frame), frame.runtime)
      } catch (error) {
        throw locateFault(error, callee)
      }
    }
  }
  const target = scope.expression(callee)
  const byName = callee.typename === 'Symbol' ? scope.compilation.library.globals.get(callee.value) : undefined
  return (frame) => {
    try {
      const value = target(frame)
      // A plain value that was given under the name of a function (as "namespace" is) does not hide the function.
      const called = byName !== undefined && !(value instanceof NativeObject) ? byName : value
      return callValue(called, complete(frame), frame.runtime)
    } catch (error) {
      throw locateFault(error, node)
    }
  }
}

function withExtra({ positional, keywords }: Arguments, extra: [string, Value]): Arguments {
  return { positional, keywords: new Map([...(keywords ?? []), extra]) }
}

function compileArguments(args: CallArguments, scope: Scope): EvaluateArguments {
  const positional = args.positional.map((node) => scope.expression(node))
  const keywords = args.keywords.map(([name, node]) => [name, scope.expression(node)] as const)
  if (positional.length === 0 && keywords.length === 0 && args.star === undefined && args.doubleStar === undefined) {
    return () => NONE
  }
  const star = args.star === undefined ? undefined : scope.expression(args.star)
  const doubleStar = args.doubleStar === undefined ? undefined : scope.expression(args.doubleStar)
  const evaluatePositional = (frame: Frame): Value[] => {
    const values = positional.map((evaluate) => evaluate(frame))
    return star === undefined ? values : [...values, ...itemsOf(star(frame), frame.runtime)]
  }
  if (keywords.length === 0 && doubleStar === undefined) return (frame) => ({ positional: evaluatePositional(frame) })
  return (frame) => ({
    positional: evaluatePositional(frame),
    keywords: new Map([
      ...keywords.map(([name, evaluate]): [string, Value] => [name, evaluate(frame)]),
      ...(doubleStar === undefined ? [] : namedItems(doubleStar(frame)))
    ])
  })
}

function namedItems(value: Value): [string, Value][] {
  if (!(value instanceof Map)) {
    throw new TemplateFault('TypeError', `argument after ** must be a mapping, not ${typeName(value)}`)
  }
  return Array.from(value, ([name, item]) => {
    if (typeof name !== 'string') throw new TemplateFault('TypeError', 'keywords must be strings')
    return [name, item]
  })
}

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
