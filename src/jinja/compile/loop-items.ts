import type { Frame } from './frame.ts'
import { itemsOf } from '../values/iterate.ts'
import { Iterator, type Value } from '../values/value.ts'

/**
 * What a loop goes through. An iterator, or a loop with an `if`, is looked at
 * only as far as the loop has come, as what the body does may change the rest.
 */
export class LoopItems {
  readonly #items: readonly Value[]
  readonly #pull: (() => Value | undefined) | undefined

  private constructor(items: readonly Value[], pull?: () => Value | undefined) {
    this.#items = items
    this.#pull = pull
  }

  static of(value: Value, frame: Frame, filter?: (frame: Frame, item: Value) => boolean): LoopItems {
    if (filter === undefined && !(value instanceof Iterator)) return new LoopItems(itemsOf(value, frame.runtime))
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
    return this.#items[index]
  }

  get length(): number {
    if (this.#pull !== undefined) while (this.#pull() !== undefined);
    return this.#items.length
  }
}

function stepThrough(items: readonly Value[]): () => Value | undefined {
  let index = 0
  return () => items[index++]
}
