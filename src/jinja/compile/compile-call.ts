import { callMethod, callValue } from './call.ts'
import type { Evaluate, Frame } from './frame.ts'
import { itemsOf } from '../values/iterate.ts'
import type { Scope } from './scope.ts'
import type { CallArguments, SyntaxNode } from '../syntax/syntax.ts'
import { locateFault, TemplateFault } from '../template-fault.ts'
import { typeName } from '../values/type-name.ts'
import { NativeObject, type Arguments, type Value } from '../values/value.ts'

export type EvaluateArguments = (frame: Frame) => Arguments

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

export function compileArguments(args: CallArguments, scope: Scope): EvaluateArguments {
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
