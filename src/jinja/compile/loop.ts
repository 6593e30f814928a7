import type { Frame } from './scope.ts'
import { TemplateFault } from '../template-fault.ts'
import { equals } from '../values/comparison.ts'
import { itemsOf, sizeOf } from '../values/sequences.ts'
import { Iterator, NativeObject, Tuple, Undefined, type Arguments, type Value } from '../values/value.ts'

/**
 * What a loop goes through. An iterator, or a loop with an `if`, is looked at
 * only as far as the loop has come, as what the body does may change the rest.
 */
export class LoopItems {
  readonly #items: readonly Value[]
  readonly #pull: (() => Value | undefined) | undefined

  readonly #guard: (() => void) | undefined
  #furthest = -1

  private constructor(items: readonly Value[], pull?: () => Value | undefined, guard?: () => void) {
    this.#items = items
    this.#pull = pull
    this.#guard = guard
  }

  static of(value: Value, frame: Frame, filter?: (frame: Frame, item: Value) => boolean): LoopItems {
    if (filter === undefined && !(value instanceof Iterator)) {
      return new LoopItems(itemsOf(value, frame.runtime), undefined, sizeGuard(value))
    }
    const next = value instanceof Iterator ? () => value.next() : stepThrough(itemsOf(value, frame.runtime))
    const items: Value[] = []
    return new LoopItems(items, () => {
      for (let item = next(); item !== undefined; item = next()) {
        frame.runtime.spend()
        if (filter !== undefined && !filter(frame, item)) continue
        items.push(item)
        return item
      }
      return undefined
    })
  }

  /** Undefined past the end. */
  at(index: number): Value | undefined {
    if (this.#pull !== undefined) while (this.#items.length <= index && this.#pull() !== undefined);
    if (this.#guard !== undefined && index > this.#furthest) {
      this.#guard()
      this.#furthest = index
    }
    return this.#items[index]
  }

  get length(): number {
    if (this.#pull !== undefined) while (this.#pull() !== undefined);
    return this.#items.length
  }
}

/** A dict (or a view of one) may not grow or shrink while it is gone through. */
function sizeGuard(value: Value): (() => void) | undefined {
  if (!(value instanceof Map) && !(value instanceof NativeObject)) return undefined
  const size = sizeOf(value)
  return () => {
    if (sizeOf(value) !== size) throw new TemplateFault('RuntimeError', 'dictionary changed size during iteration')
  }
}

function stepThrough(items: readonly Value[]): () => Value | undefined {
  let index = 0
  return () => items[index++]
}

/** The variable `loop`. */
export class LoopContext extends NativeObject {
  readonly typeName = 'LoopContext'
  readonly #items: LoopItems
  readonly #depth: number
  readonly #descend: ((items: Value) => string) | undefined
  #index = 0
  #lastSeen: Value | undefined

  /** @param descend runs the loop's body for items below, in a recursive loop */
  constructor(items: LoopItems, depth: number, descend?: (items: Value) => string) {
    super()
    this.#items = items
    this.#depth = depth
    this.#descend = descend
  }

  moveTo(index: number): void {
    this.#index = index
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case 'index':
        return this.#index + 1
      case 'index0':
        return this.#index
      case 'first':
        return this.#index === 0
      case 'last':
        return this.#items.at(this.#index + 1) === undefined
      default:
        return this.#lessCommon(name)
    }
  }

  #lessCommon(name: string): Value | undefined {
    switch (name) {
      case 'length':
        return this.#items.length
      case 'revindex':
        return this.#items.length - this.#index
      case 'revindex0':
        return this.#items.length - this.#index - 1
      case 'depth':
        return this.#depth + 1
      case 'depth0':
        return this.#depth
      default:
        return this.#neighbour(name)
    }
  }

  #neighbour(name: string): Value | undefined {
    switch (name) {
      case 'previtem':
        return this.#items.at(this.#index - 1) ?? new Undefined(() => 'there is no previous item')
      case 'nextitem':
        return this.#items.at(this.#index + 1) ?? new Undefined(() => 'there is no next item')
      case 'cycle':
        return new LoopMethod('cycle', (args) => this.#cycle(args))
      case 'changed':
        return new LoopMethod('changed', (args) => this.#changed(args))
      default:
        return undefined
    }
  }

  override call({ positional }: Arguments): Value {
    if (this.#descend === undefined) {
      throw new TemplateFault('TypeError', "The loop must have the 'recursive' marker to be called recursively.")
    }
    const [items] = positional
    if (items === undefined) throw new TemplateFault('TypeError', 'loop() is missing what to go through')
    return this.#descend(items)
  }

  override print(): string {
    return `<LoopContext ${this.#index + 1}/${this.#items.length}>`
  }

  #cycle({ positional }: Arguments): Value {
    const value = positional[this.#index % positional.length]
    if (value === undefined) throw new TemplateFault('TypeError', 'no items for cycling given')
    return value
  }

  #changed({ positional }: Arguments): boolean {
    const seen = new Tuple(positional)
    if (this.#lastSeen !== undefined && equals(this.#lastSeen, seen)) return false
    this.#lastSeen = seen
    return true
  }
}

class LoopMethod extends NativeObject {
  readonly typeName = 'method'
  readonly #name: string
  readonly #run: (args: Arguments) => Value

  constructor(name: string, run: (args: Arguments) => Value) {
    super()
    this.#name = name
    this.#run = run
  }

  override call(args: Arguments): Value {
    return this.#run(args)
  }

  override print(): string {
    return `<bound method LoopContext.${this.#name}>`
  }
}
