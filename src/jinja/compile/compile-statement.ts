import { compileTarget } from './assignment.ts'
import { compileBlock, needsLoader } from './compile-block.ts'
import { compileFilter } from './compile-call.ts'
import { compileFor } from './compile-for.ts'
import { compileCallBlock, compileMacro } from './compile-macro.ts'
import { capture, type Evaluate, type Execute, type Scope } from './scope.ts'
import type { Body, Expression, Statement, SyntaxNode } from '../syntax/syntax.ts'
import { namesOf } from '../syntax/walk-syntax.ts'
import { TemplateFault, locateFault } from '../template-fault.ts'
import { escapeUnlessSafe, toText } from '../values/print.ts'
import { Markup, isTrue, type Value } from '../values/value.ts'

type Compile<T extends Statement['typename']> = (node: SyntaxNode<T>, scope: Scope) => Execute

const compilers: { readonly [T in Statement['typename']]: Compile<T> } = {
  Output: compileOutput,
  If: compileIf,
  For: compileFor,
  Set: compileSet,
  SetBlock: compileSetBlock,
  With: compileWith,
  Macro: compileMacro,
  CallBlock: compileCallBlock,
  FilterBlock: compileFilterBlock,
  Block: compileBlock,
  Autoescape: compileAutoescape,
  NeedsLoader: needsLoader
}

/** Turns statements into a function that writes what they print. The names they set must be declared in the scope. */
export function compileBody(node: Body, scope: Scope): Execute {
  const steps = node.children.map((child) => compileStatement(child, scope))
  const [only] = steps
  if (steps.length === 1 && only !== undefined) return only
  return (frame, output) => {
    for (const step of steps) step(frame, output)
  }
}

function compileStatement(node: Statement, scope: Scope): Execute {
  const compile = compilers[node.typename] as (node: Statement, scope: Scope) => Execute
  return compile(node, scope)
}

function compileOutput({ children }: SyntaxNode<'Output'>, scope: Scope): Execute {
  const parts = children.map((child) => compilePrinted(child, scope))
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only
  return (frame, output) => {
    for (const part of parts) part(frame, output)
  }
}

function compilePrinted(node: Expression, scope: Scope): Execute {
  if (node.typename === 'TemplateData') {
    const { value } = node
    return (_, output) => {
      output.write(value)
    }
  }
  const evaluate = scope.expression(node)
  const { autoescape } = scope
  return (frame, output) => {
    try {
      const value = evaluate(frame)
      const text = autoescape ? escapeUnlessSafe(value) : frame.runtime.print(value)
      if (autoescape) frame.runtime.allowLength(text.length)
      output.write(text)
    } catch (error) {
      throw locateFault(error, node)
    }
  }
}

function compileIf(node: SyntaxNode<'If'>, scope: Scope): Execute {
  const condition = scope.expression(node.cond)
  const branch = scope.branch()
  const body = branch.body(node.body)
  const otherwise = compileElse(node.else_, branch)
  return (frame, output) => {
    if (isTrue(condition(frame))) body(frame, output)
    else otherwise?.(frame, output)
  }
}

function compileElse(node: SyntaxNode<'If'>['else_'], scope: Scope): Execute | undefined {
  if (node === null) return undefined
  return node.typename === 'If' ? compileIf(node, scope) : scope.body(node)
}

function compileSet(node: SyntaxNode<'Set'>, scope: Scope): Execute {
  const value = scope.expression(node.value)
  const assign = compileTarget(node.target, scope)
  return (frame) => {
    try {
      assign(frame, value(frame))
    } catch (error) {
      throw locateFault(error, node)
    }
  }
}

/** The scope of a part that sets names for itself alone, and the statement that enters it. */
function compileInner(node: Body, scope: Scope, parts: readonly unknown[] = [node]): Execute {
  const enter = scope.declareAll({ parts })
  const body = scope.body(node)
  return (frame, output) => {
    enter(frame)
    body(frame, output)
  }
}

function compileSetBlock(node: SyntaxNode<'SetBlock'>, scope: Scope): Execute {
  const captured = compileCaptured(node.body, node.filter, scope)
  const assign = compileTarget(node.target, scope)
  return (frame) => {
    assign(frame, captured(frame))
  }
}

function compileFilterBlock(node: SyntaxNode<'FilterBlock'>, scope: Scope): Execute {
  const captured = compileCaptured(node.body, node.filter, scope)
  return (frame, output) => {
    output.write(toText(captured(frame)))
  }
}

/** What a part of the template prints, as a value, perhaps filtered; the filter sees what the part has set. */
function compileCaptured(node: Body, filter: SyntaxNode<'Filter'> | null, scope: Scope): Evaluate {
  const inner = scope.inner()
  const body = compileInner(node, inner, [node, filter])
  const captured: Evaluate = (frame) => {
    const text = capture(body, frame)
    return scope.autoescape ? new Markup(text) : text
  }
  return filter === null ? captured : compileFilter(filter, inner, captured)
}

/** All values are worked out before the first name is set: `with a = 1, b = a` takes the `a` outside. */
function compileWith(node: SyntaxNode<'With'>, scope: Scope): Execute {
  const values = node.values.map((value) => scope.expression(value))
  const inner = scope.inner()
  const enter = inner.declareAll({ parameters: node.targets.flatMap(namesOf), parts: [node.body] })
  const assigns = node.targets.map((target) => compileTarget(target, inner))
  const body = inner.body(node.body)
  return (frame, output) => {
    const given = values.map((value) => value(frame))
    enter(frame)
    assigns.forEach((assign, index) => {
      assign(frame, given[index] as Value)
    })
    body(frame, output)
  }
}

function compileAutoescape(node: SyntaxNode<'Autoescape'>, scope: Scope): Execute {
  const { enabled } = node
  if (enabled.typename !== 'Literal') {
    throw new TemplateFault(
      'TemplateSyntaxError',
      'autoescape wants true or false, not an expression',
      enabled.lineno,
      enabled.colno
    )
  }
  return compileInner(node.body, scope.inner(isTrue(enabled.value)))
}
