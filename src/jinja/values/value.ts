import type { StepLimit } from '../limits.ts'
import { TemplateFault } from '../template-fault.ts'

/**
 * What a template computes with. Python's types map as follows: an int is a
 * whole number (a bigint past 2^53), a float is a Float, a list is an array, a
 * dict is a Map (so that order and odd keys hold), the others have classes of
 * their own, None and what is undefined among them. Nothing else ever reaches a
 * template: `null` and `undefined` of JavaScript are no values, so that `??` and
 * `?.` ask whether there is a value and never what it is.
 */
export type Value =
  | None
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

/** Python's None. */
export class None {
  readonly #only = true

  /** @returns whether this is the one None that there is */
  get isOnly(): boolean {
    return this.#only
  }
}

export const NONE = new None()

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

  /** A generator: nothing of it is worked out before its first item is asked for. */
  static generator(make: () => Iterable<Value>): Iterator {
    return new Iterator(
      'generator',
      (function* () {
        yield* make()
      })()
    )
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
  /** Whether the two are equal in Python's sense, where that is more than being the same object. */
  equals?(other: Value): boolean
  call?(args: Arguments, runtime: Runtime): Value
  print(): string {
    return `<${this.typeName}>`
  }
}

export const noKeywords: ReadonlyMap<string, Value> = new Map<string, Value>()

/** A value that is missing: prints as nothing, is false and empty; using it any further raises. */
export class Undefined {
  readonly #reason: () => string

  constructor(reason: () => string) {
    this.#reason = reason
  }

  static variable(name: string): Undefined {
    return new Undefined(() => `'${name}' is undefined`)
  }

  /** @param owner type of the object as Python names it */
  static attribute(owner: string, name: string): Undefined {
    return new Undefined(() => `${owner} has no attribute ${name}`)
  }

  fault(): TemplateFault {
    return new TemplateFault('UndefinedError', this.#reason())
  }
}

/** Python's name of a value's type, for messages. */
export function typeName(value: Value): string {
  if (value === NONE) return 'NoneType'
  if (typeof value === 'string') return 'str'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'object' ? objectTypeName(value) : 'int'
}

function objectTypeName(value: object): string {
  if (Array.isArray(value)) return 'list'
  if (value instanceof Map) return 'dict'
  if (value instanceof Float) return 'float'
  if (value instanceof Tuple) return 'tuple'
  if (value instanceof Markup) return 'Markup'
  if (value instanceof Undefined) return 'Undefined'
  if (value instanceof Iterator || value instanceof NativeObject) return value.typeName
  return 'object'
}

/** How Jinja2's messages call the owner of a missing attribute. */
export function describeOwner(value: Value): string {
  return value === NONE ? 'None' : `${typeName(value)} object`
}

/** Python's bool(). */
export function isTrue(value: Value): boolean {
  if (typeof value !== 'object') return Boolean(value)
  if (value === NONE || value instanceof Undefined) return false
  if (Array.isArray(value)) return value.length > 0
  if (value instanceof Map) return value.size > 0
  return isTrueObject(value)
}

function isTrueObject(value: object): boolean {
  if (value instanceof Float) return value.value !== 0
  if (value instanceof Markup) return value.text !== ''
  if (value instanceof Tuple) return value.items.length > 0
  if (value instanceof NativeObject && value.size !== undefined) return value.size() > 0
  return true
}

/** A filter, a method or a test: what stands before the bar (or the dot, or `is`), and the arguments. */
export type NativeFunction = (subject: Value, args: Arguments, runtime: Runtime) => Value

/** A function that templates call by name. */
export type GlobalFunction = (args: Arguments, runtime: Runtime) => Value

/** All that a template can reach besides its variables. */
export interface Library {
  readonly filters: ReadonlyMap<string, NativeFunction>
  readonly tests: ReadonlyMap<string, NativeFunction>
  readonly globals: ReadonlyMap<string, Value>
}

/** What the rendering under way offers to the values and functions in it, and how it bounds them. */
export interface Runtime extends StepLimit {
  readonly library: Library
  /** A variable that was given to the template, or a global function. */
  variable(name: string): Value | undefined
  /** To be asked before a text or a list of that many characters or items is made. */
  allowLength(length: number): void
  allowOutput(length: number): void
  /** The same for what is copied as a whole, which costs far less. */
  allowCopy(length: number): void
  /** To be asked before a list of that many items is copied: copies may all be kept. */
  allowItems(count: number): void
  /** To be asked before the fields of a format string are looked for. */
  allowFormat(format: string): void
  /** What a value prints as. */
  print(value: Value): string
  /** An attribute in Python's sense; undefined when there is none. */
  attribute(value: Value, name: string): Value | undefined
  /** `value[key]`. */
  item(value: Value, key: Value): Value
  /** Runs the body of a macro or a recursive loop. */
  descend<T>(run: () => T): T
}
