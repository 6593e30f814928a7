import { ScopeNames, type Beginning, type ScopeParts } from './scope-names.ts'
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

/** Where a name lives, seen from a scope. */
interface Place {
  /** Frames outwards. */
  readonly hops?: number
  readonly slot: number
  readonly beginning: Beginning
}

type Read = (frame: Frame) => Value | undefined

/**
 * Where names live, worked out before rendering. A scope that sets a name has
 * its own variable of that name, which may begin with the value of the one
 * outside: this is how Jinja2 keeps `set` inside a loop from leaking out.
 */
export class Scope {
  readonly compilation: Compilation
  readonly layout: FrameLayout
  /** Inside a branch, where an unknown filter is an error only when it is reached. */
  readonly inBranch: boolean
  readonly autoescape: boolean
  readonly #parent: Scope | undefined
  readonly #names: Map<string, Place>
  /** Knows the names around only as something that was given to it. */
  readonly #isBlock: boolean

  private constructor(base: ScopeState, parent?: Scope, names = new Map<string, Place>()) {
    this.compilation = base.compilation
    this.layout = base.layout
    this.inBranch = base.inBranch
    this.autoescape = base.autoescape
    this.#parent = parent
    this.#names = names
    this.#isBlock = base.isBlock
  }

  static root(compilation: Compilation): Scope {
    return new Scope({ compilation, layout: { size: 0 }, inBranch: false, autoescape: false, isBlock: false })
  }

  /** A scope within the same frame. */
  inner(autoescape = this.autoescape): Scope {
    return new Scope({ ...this.#state(), inBranch: false, autoescape, isBlock: false }, this)
  }

  /** A scope with a frame of its own. */
  innerFrame(): Scope {
    return new Scope({ ...this.#state(), layout: { size: 0 }, inBranch: false, isBlock: false }, this)
  }

  /** The scope of a block inside this one, with a frame of its own. */
  block(): Scope {
    return new Scope({ ...this.#state(), layout: { size: 0 }, inBranch: false, isBlock: true }, this)
  }

  /** The same scope, seen from inside an `if`. */
  branch(): Scope {
    return new Scope({ ...this.#state(), inBranch: true }, this.#parent, this.#names)
  }

  /** The scope at the top of the template. */
  outermost(): Scope {
    return this.#parent?.outermost() ?? this
  }

  /** The slot of a name that was declared. */
  slot(name: string): number {
    const variable = this.#names.get(name)
    if (variable === undefined) throw new TypeError(`not declared: ${name}`)
    return variable.slot
  }

  /** Declares the names of this scope, and gives what makes them begin anew at each entry. */
  declareAll(parts: ScopeParts): (frame: Frame) => void {
    const names = ScopeNames.find(parts, (name) => this.#findOutside(name) !== undefined)
    const entries: { slot: number; read: Read }[] = []
    for (const [name, beginning] of names.beginnings) {
      const slot = this.layout.size++
      this.#names.set(name, { slot, beginning })
      if (beginning === 'parameter' || !names.isSet(name)) continue
      const outside = beginning === 'outer' ? this.#findOutside(name) : undefined
      entries.push({ slot, read: outside === undefined ? () => undefined : this.#reader(name, outside) })
    }
    if (entries.length === 0) return () => undefined
    return (frame) => {
      for (const { slot, read } of entries) frame.slots[slot] = read(frame)
    }
  }

  expression(node: Expression): Evaluate {
    return this.compilation.expression(node, this)
  }

  body(node: Body): Execute {
    return this.compilation.body(node, this)
  }

  /** Reads a variable. */
  variable(name: string): Evaluate {
    const place = this.#names.get(name) ?? this.#findOutside(name)
    // What a loop goes through, and the loop itself: no call more than it takes.
    if (place !== undefined && place.beginning !== 'given' && (place.hops ?? 0) === 0) {
      const { slot } = place
      return (frame) => frame.slots[slot] ?? Undefined.variable(name)
    }
    const read = place === undefined ? this.#given(name) : this.#reader(name, place)
    return (frame) => read(frame) ?? Undefined.variable(name)
  }

  #reader(name: string, place: Place): Read {
    const read = readerOf(place)
    if (place.beginning !== 'given') return read
    const given = this.#given(name)
    return (frame) => read(frame) ?? given(frame)
  }

  /** What was given to the template or, to a block, what the template has set until then. */
  #given(name: string): Read {
    const set = this.#findAroundBlock(name)
    const fromOutside: Read = ({ runtime }) => runtime.variable(name)
    if (set === undefined) return fromOutside
    const read = readerOf(set)
    return (frame) => read(frame) ?? fromOutside(frame)
  }

  #findOutside(name: string): Place | undefined {
    return this.#isBlock ? undefined : this.#inParent((parent) => parent.#find(name))
  }

  #find(name: string): Place | undefined {
    return this.#names.get(name) ?? this.#findOutside(name)
  }

  #findAroundBlock(name: string): Place | undefined {
    return this.#inParent((parent) => (this.#isBlock ? parent.#find(name) : parent.#findAroundBlock(name)))
  }

  #inParent(find: (parent: Scope) => Place | undefined): Place | undefined {
    if (this.#parent === undefined) return undefined
    const place = find(this.#parent)
    if (place === undefined || this.#parent.layout === this.layout) return place
    return { ...place, hops: (place.hops ?? 0) + 1 }
  }

  #state(): ScopeState {
    const { compilation, layout, inBranch, autoescape } = this
    return { compilation, layout, inBranch, autoescape, isBlock: this.#isBlock }
  }
}

function readerOf({ hops = 0, slot }: Place): Read {
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
  isBlock: boolean
}
