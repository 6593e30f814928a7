import { Frame, type Execute } from './frame.ts'
import type { Scope } from './scope.ts'
import type { SyntaxNode } from '../syntax/syntax.ts'
import { TemplateFault } from '../template-fault.ts'
import { namesSetIn } from '../syntax/walk-syntax.ts'

/**
 * A block prints where it stands, as nothing can extend a template here. It
 * sees what the template sets at its top, and the loop around it only when scoped.
 */
export function compileBlock(node: SyntaxNode<'Block'>, scope: Scope): Execute {
  const top = scope.outermost()
  const seesAround = node.scoped && scope.layout === top.layout
  const inner = (seesAround ? scope : top).innerFrame()
  const enter = inner.declareAll(namesSetIn(node.body))
  const body = inner.body(node.body)
  const run: Execute = (outer, output) => {
    const frame = new Frame(inner.layout.size, outer.runtime, outer)
    outer.runtime.descend(() => {
      enter(frame)
      body(frame, output)
    })
  }
  scope.compilation.blocks.set(node.name, run)
  return (frame, output) => {
    run(outermostFrame(frame), output)
  }
}

function outermostFrame(frame: Frame): Frame {
  let outer = frame
  while (outer.parent !== undefined) outer = outer.parent
  return outer
}

/** include, import, from and extends: there are no other templates, so these say so when they are reached. */
export function needsLoader(node: SyntaxNode<'NeedsLoader'>): Execute {
  return () => {
    throw new TemplateFault(
      'TypeError',
      `no loader for this environment specified: '${node.tag}' needs other templates, and there are none`,
      node.lineno,
      node.colno
    )
  }
}
