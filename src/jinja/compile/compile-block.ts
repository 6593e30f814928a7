import { Frame, capture, type Execute, type Scope } from './scope.ts'
import type { SyntaxNode } from '../syntax/syntax.ts'
import { TemplateFault } from '../template-fault.ts'
import { NativeObject, Undefined, isTrue, type Value } from '../values/value.ts'

/**
 * A block prints where it stands, as nothing can extend a template here. It
 * sees what the template sets at its top, and the loop around it only when scoped.
 */
export function compileBlock(node: SyntaxNode<'Block'>, scope: Scope): Execute {
  const top = scope.outermost()
  const seesAround = node.scoped && scope.layout === top.layout
  const inner = (seesAround ? scope : top).block()
  const enter = inner.declareAll({ parts: [node.body] })
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
export function needsLoader(node: SyntaxNode<'NeedsLoader'>, scope: Scope): Execute {
  const optional = node.optional === null ? undefined : scope.expression(node.optional)
  return (frame) => {
    if (optional !== undefined && isNoName(optional(frame))) return
    throw new TemplateFault(
      'TypeError',
      `no loader for this environment specified: '${node.tag}' needs other templates, and there are none`,
      node.lineno,
      node.colno
    )
  }
}

/** The variable `self`: prints the template's blocks once more. */
export class SelfReference extends NativeObject {
  readonly typeName = 'TemplateReference'
  readonly #blocks: ReadonlyMap<string, Execute>
  readonly #frame: Frame

  constructor(blocks: ReadonlyMap<string, Execute>, frame: Frame) {
    super()
    this.#blocks = blocks
    this.#frame = frame
  }

  /** It can be asked for items, of which there are none. */
  override values(): Value[] {
    throw new TemplateFault('KeyError', '0')
  }

  override print(): string {
    return '<TemplateReference None>'
  }

  override attribute(name: string): Value | undefined {
    const block = this.#blocks.get(name)
    return block === undefined ? undefined : new BlockReference(name, () => capture(block, this.#frame))
  }
}

class BlockReference extends NativeObject {
  readonly typeName = 'BlockReference'
  readonly #name: string
  readonly #print: () => string

  constructor(name: string, print: () => string) {
    super()
    this.#name = name
    this.#print = print
  }

  override call(): Value {
    return this.#print()
  }

  override print(): string {
    return `<BlockReference '${this.#name}'>`
  }
}

/** Neither the name of a template nor a list with one: there is nothing to load, and where it may be missing no error. */
function isNoName(source: Value): boolean {
  return typeof source !== 'string' && !(source instanceof Undefined) && !isTrue(source)
}
