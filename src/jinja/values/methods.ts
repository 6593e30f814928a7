import { dictMethods } from './dict-methods.ts'
import type { NativeFunction } from '../compile/library.ts'
import { listMethods, tupleMethods } from './list-methods.ts'
import { floatMethods, intMethods } from './number-methods.ts'
import type { Runtime } from '../runtime.ts'
import { stringMethods } from './string-methods.ts'
import { typeName } from './type-name.ts'
import { Float, Markup, NativeObject, Tuple, type Arguments, type Value } from './value.ts'

type MethodTable = ReadonlyMap<string, NativeFunction>

/** The methods of Python's type of a value. */
export function methodOf(value: Value): MethodTable | undefined {
  if (typeof value === 'string' || value instanceof Markup) return stringMethods
  if (value instanceof Map) return dictMethods
  if (Array.isArray(value)) return listMethods
  if (value instanceof Tuple) return tupleMethods
  if (value instanceof Float) return floatMethods
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? intMethods : undefined
}

/** A method that was looked up, but not yet called. */
class BoundMethod extends NativeObject {
  readonly typeName = 'builtin_function_or_method'
  readonly #subject: Value
  readonly #name: string
  readonly #method: NativeFunction

  constructor(subject: Value, name: string, method: NativeFunction) {
    super()
    this.#subject = subject
    this.#name = name
    this.#method = method
  }

  override call(args: Arguments, runtime: Runtime): Value {
    return this.#method(this.#subject, args, runtime)
  }

  override print(): string {
    return `<built-in method ${this.#name} of ${typeName(this.#subject)} object>`
  }
}

export function bindMethod(subject: Value, name: string, method: NativeFunction): Value {
  return new BoundMethod(subject, name, method)
}
