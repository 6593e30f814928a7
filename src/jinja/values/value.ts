import type { Runtime } from '../runtime.ts'
import type { Undefined } from './undefined.ts'

/**
 * What a template computes with. Python's types map as follows: None is null,
 * an int is a whole number (a bigint past 2^53), a float is a Float, a list is
 * an array, a dict is a Map (so that order and odd keys hold), the others have
 * classes of their own. Nothing else ever reaches a template.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Float
  | Markup
  | Tuple
  | Value[]
  | Dict
  | Undefined
  | Iterator
  | NativeObject

export type Dict = Map<Value, Value>

/** A Python float; plain numbers are ints. */
export class Float {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** Text that is marked as safe HTML: what `escape`, `safe` and `tojson` give. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export class Tuple {
  readonly items: readonly Value[]
  /** Names of the items, when they have some (as `groupby` gives them). */
  readonly names: readonly string[]

  constructor(items: readonly Value[], names: readonly string[] = []) {
    this.items = items
    this.names = names
  }
}

/** Values that can be taken once, one by one: what `map`, `select` and their like give. */
export class Iterator {
  readonly typeName: string
  readonly #source: globalThis.Iterator<Value>

  constructor(typeName: string, source: Iterable<Value>) {
    this.typeName = typeName
    this.#source = source[Symbol.iterator]()
  }

  /** Undefined at the end. */
  next(): Value | undefined {
    const step = this.#source.next()
    return step.done === true ? undefined : step.value
  }
}

/** Arguments of a call; `keywords` is missing when none were given by name. */
export interface Arguments {
  readonly positional: readonly Value[]
  readonly keywords?: ReadonlyMap<string, Value> | undefined
}

/** An object with attributes that this program made: a loop, a macro, a namespace, a method. */
export abstract class NativeObject {
  abstract readonly typeName: string

  /** Undefined when there is no such attribute. */
  attribute(name: string): Value | undefined {
    void name
    return undefined
  }

  /** The values in it, for those that can be looped over. */
  values?(): Iterable<Value>
  size?(): number
  /** The values in order, for those that can be indexed. */
  sequence?(): ArrayLike<Value>
  /** Membership in the sense of `in`, where it is more than a search through the values. */
  contains?(value: Value): boolean
  call?(args: Arguments, runtime: Runtime): Value
  print(): string {
    return `<${this.typeName}>`
  }
}

export const noKeywords: ReadonlyMap<string, Value> = new Map<string, Value>()
