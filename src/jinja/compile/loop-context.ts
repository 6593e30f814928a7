import { equals } from '../values/equality.ts'
import type { LoopItems } from './loop-items.ts'
import { TemplateFault } from '../template-fault.ts'
import { Undefined } from '../values/undefined.ts'
import { NativeObject, Tuple, type Arguments, type Value } from '../values/value.ts'

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
