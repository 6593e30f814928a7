import { compileTarget, type Assign } from './assignment.ts'
import { LoopContext, LoopItems } from './loop.ts'
import { Frame, Output, type Evaluate, type Execute, type Scope } from './scope.ts'
import type { SyntaxNode } from '../syntax/syntax.ts'
import { mentions, namesOf, whereSet } from '../syntax/walk-syntax.ts'
import { TemplateFault, locateFault } from '../template-fault.ts'
import { isTrue, type Value } from '../values/value.ts'

/** The parts of a loop that do not depend on what it goes through. */
interface LoopParts {
  readonly enter: (frame: Frame) => void
  readonly assign: Assign
  readonly body: Execute
  readonly otherwise: Execute | undefined
  /** Where `loop` lives, when the body mentions it. */
  readonly loopSlot: number | undefined
}

export function compileFor(node: SyntaxNode<'For'>, scope: Scope): Execute {
  const loopSet = whereSet(node, 'loop')
  if (loopSet !== undefined) {
    const message = "Can't assign to special loop variable in for-loop target"
    throw new TemplateFault('TemplateAssertionError', message, loopSet.lineno, loopSet.colno)
  }
  const source = scope.expression(node.arr)
  const filter = compileTest(node, scope)
  return node.recursive ? compileRecursive(node, scope, source, filter) : compilePlain(node, scope, source, filter)
}

type Filter = (frame: Frame, item: Value) => boolean

function compilePlain(node: SyntaxNode<'For'>, scope: Scope, source: Evaluate, filter: Filter | undefined): Execute {
  const parts = compileParts(node, scope, scope.inner())
  return (frame, output) => {
    try {
      const items = LoopItems.of(source(frame), frame, filter)
      run(parts, items, new LoopContext(items, 0), frame, output)
    } catch (error) {
      throw locateFault(error, node)
    }
  }
}

/** The body has a frame of its own for each level. */
function compileRecursive(
  node: SyntaxNode<'For'>,
  scope: Scope,
  source: Evaluate,
  filter: Filter | undefined
): Execute {
  const inner = scope.innerFrame()
  const parts = compileParts(node, scope, inner)
  const descend = (value: Value, depth: number, outer: Frame): string =>
    outer.runtime.descend(() => {
      const items = LoopItems.of(value, outer, filter)
      const frame = new Frame(inner.layout.size, outer.runtime, outer)
      const output = new Output(outer.runtime)
      const loop = new LoopContext(items, depth, (below) => descend(below, depth + 1, outer))
      run({ ...parts, otherwise: undefined }, items, loop, frame, output)
      if (items.at(0) === undefined) parts.otherwise?.(outer, output)
      return output.text
    })
  return (frame, output) => {
    try {
      output.write(descend(source(frame), 0, frame))
    } catch (error) {
      throw locateFault(error, node)
    }
  }
}

function compileParts(node: SyntaxNode<'For'>, scope: Scope, inner: Scope): LoopParts {
  const usesLoop = node.recursive || mentions(node.body, 'loop')
  const parameters = [...(usesLoop ? ['loop'] : []), ...namesOf(node.name)]
  const enter = inner.declareAll({ parameters, parts: [node.body] })
  const loopSlot = usesLoop ? inner.slot('loop') : undefined
  const assign = compileTarget(node.name, inner)
  const body = inner.body(node.body)
  return { enter, assign, body, loopSlot, otherwise: compileElse(node, scope) }
}

function compileElse({ else_: node }: SyntaxNode<'For'>, scope: Scope): Execute | undefined {
  if (node === null) return undefined
  const inner = scope.inner()
  const enter = inner.declareAll({ parts: [node] })
  const body = inner.body(node)
  return (frame, output) => {
    enter(frame)
    body(frame, output)
  }
}

/** The `if` of a loop: sees the loop's variables, but another loop's `loop`. */
function compileTest({ test, name }: SyntaxNode<'For'>, scope: Scope): Filter | undefined {
  if (test === null) return undefined
  const inner = scope.inner()
  inner.declareAll({ parameters: namesOf(name), parts: [test] })
  const assign = compileTarget(name, inner)
  const condition = inner.expression(test)
  return (frame, item) => {
    assign(frame, item)
    return isTrue(condition(frame))
  }
}

function run(parts: LoopParts, items: LoopItems, loop: LoopContext, frame: Frame, output: Output): void {
  const { enter, assign, body, loopSlot } = parts
  for (let index = 0; ; index++) {
    const item = items.at(index)
    if (item === undefined) {
      if (index === 0) parts.otherwise?.(frame, output)
      return
    }
    frame.runtime.spend()
    loop.moveTo(index)
    enter(frame)
    if (loopSlot !== undefined) frame.slots[loopSlot] = loop
    assign(frame, item)
    body(frame, output)
  }
}
