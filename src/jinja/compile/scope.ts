import type { Body, Expression } from '../syntax/syntax.ts'
import { Undefined, type Library, type Runtime, type Value } from '../values/value.ts'

/** The variables of one run of a template, a macro, a block or a recursive loop. */
export class Frame {
  /** Undefined: declared, but not set yet. */
  readonly slots: (Value | undefined)[]
  /** The frame around the place where the macro (or loop) stands in the text. */
  readonly parent: Frame | undefined
  readonly runtime: Runtime

  constructor(size: number, runtime: Runtime, parent?: Frame) {
    this.slots = new Array<Value | undefined>(size).fill(undefined)
    this.runtime = runtime
    this.parent = parent
  }
}

/** Text in the making. */
export class Output {
  text = ''
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  write(text: string): void {
    this.text += text
    this.#runtime.allowOutput(this.text.length)
  }
}

/** A compiled expression. */
export type Evaluate = (frame: Frame) => Value
/** A compiled statement. */
export type Execute = (frame: Frame, output: Output) => void

/** What a compiled statement wrote. */
export function capture(execute: Execute, frame: Frame): string {
  const output = new Output(frame.runtime)
  execute(frame, output)
  return output.text
}

/** How the parts of a template are compiled: handed along so that no two of these files need one another. */
export interface Compilation {
  readonly library: Library
  /** The template's blocks, to be run with the template's own frame. */
  readonly blocks: Map<string, Execute>
  expression(node: Expression, scope: Scope): Evaluate
  body(node: Body, scope: Scope): Execute
}

/** How many slots the frame of one template, macro, block or recursive loop needs. */
interface FrameLayout {
  size: number
}

interface Place {
  readonly hops: number
  readonly slot: number
}

/**
 * Where names live, worked out before rendering. A scope that sets a name has
 * its own variable of that name, which begins with the value of the one
 * outside: this is how Jinja2 keeps `set` inside a loop from leaking out.
 */
export class Scope {
  readonly compilation: Compilation
  readonly layout: FrameLayout
  /** Inside a branch, where an unknown filter is an error only when it is reached. */
  readonly inBranch: boolean
  readonly autoescape: boolean
  readonly #parent: Scope | undefined
  readonly #names: Map<string, number>

  private constructor(base: ScopeState, parent?: Scope, names = new Map<string, number>()) {
    this.compilation = base.compilation
    this.layout = base.layout
    this.inBranch = base.inBranch
    this.autoescape = base.autoescape
    this.#parent = parent
    this.#names = names
  }

  static root(compilation: Compilation): Scope {
    return new Scope({ compilation, layout: { size: 0 }, inBranch: false, autoescape: false })
  }

  /** A scope within the same frame. */
  inner(autoescape = this.autoescape): Scope {
    return new Scope({ ...this.#state(), inBranch: false, autoescape }, this)
  }

  /** A scope with a frame of its own. */
  innerFrame(): Scope {
    return new Scope({ ...this.#state(), layout: { size: 0 }, inBranch: false }, this)
  }

  /** The same scope, seen from inside an `if`. */
  branch(): Scope {
    return new Scope({ ...this.#state(), inBranch: true }, this.#parent, this.#names)
  }

  /** The scope at the top of the template. */
  outermost(): Scope {
    return this.#parent?.outermost() ?? this
  }

  /** The slot of a name of this scope; made when it is new. */
  declare(name: string): number {
    const known = this.#names.get(name)
    if (known !== undefined) return known
    const slot = this.layout.size++
    this.#names.set(name, slot)
    return slot
  }

  /** Declares names that begin with their value outside, and gives what sets them so at each entry. */
  declareAll(names: Iterable<string>): (frame: Frame) => void {
    const entries = [...names].map((name) => ({ outside: readerOf(this.#findOutside(name)), slot: this.declare(name) }))
    if (entries.length === 0) return () => undefined
    return (frame) => {
      for (const { outside, slot } of entries) frame.slots[slot] = outside?.(frame)
    }
  }

  expression(node: Expression): Evaluate {
    return this.compilation.expression(node, this)
  }

  body(node: Body): Execute {
    return this.compilation.body(node, this)
  }

  /** Reads a variable; what no template has set comes from outside, and what nobody has set is undefined. */
  variable(name: string): Evaluate {
    const read = readerOf(this.#find(name))
    const fromOutside = ({ runtime }: Frame): Value => runtime.variable(name) ?? Undefined.variable(name)
    return read === undefined ? fromOutside : (frame) => read(frame) ?? fromOutside(frame)
  }

  #find(name: string): Place | undefined {
    const slot = this.#names.get(name)
    return slot === undefined ? this.#findOutside(name) : { hops: 0, slot }
  }

  #findOutside(name: string): Place | undefined {
    if (this.#parent === undefined) return undefined
    const outside = this.#parent.#find(name)
    if (outside === undefined || this.#parent.layout === this.layout) return outside
    return { hops: outside.hops + 1, slot: outside.slot }
  }

  #state(): ScopeState {
    const { compilation, layout, inBranch, autoescape } = this
    return { compilation, layout, inBranch, autoescape }
  }
}

function readerOf(place: Place | undefined): ((frame: Frame) => Value | undefined) | undefined {
  if (place === undefined) return undefined
  const { hops, slot } = place
  if (hops === 0) return (frame) => frame.slots[slot]
  return (frame) => {
    let owner: Frame | undefined = frame
    for (let hop = 0; hop < hops; hop++) owner = owner?.parent
    return owner?.slots[slot]
  }
}

interface ScopeState {
  compilation: Compilation
  layout: FrameLayout
  inBranch: boolean
  autoescape: boolean
}
