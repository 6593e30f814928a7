import { dictMethods } from './dict-methods.ts'
import { listMethods, tupleMethods } from './list-methods.ts'
import { stringMethods } from './string-methods.ts'
import { withParameters } from '../native-function.ts'
import {
  Float,
  Markup,
  NativeObject,
  Tuple,
  typeName,
  type Arguments,
  type NativeFunction,
  type Runtime,
  type Value
} from '../value.ts'

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

const floatMethods: ReadonlyMap<string, NativeFunction> = new Map([
  ['is_integer', withParameters('is_integer', [], (value) => Number.isInteger((value as Float).value))]
])

const intMethods: ReadonlyMap<string, NativeFunction> = new Map([
  [
    'bit_length',
    withParameters('bit_length', [], (value) => {
      const magnitude = BigInt(value as number | bigint | boolean)
      return magnitude === 0n ? 0 : (magnitude < 0n ? -magnitude : magnitude).toString(2).length
    })
  ]
])
