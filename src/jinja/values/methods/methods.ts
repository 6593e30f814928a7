import { dictMethods } from './dict-methods.ts'
import { listMethods, tupleMethods } from './list-methods.ts'
import { stringMethods, untrustedMethods } from './string-methods.ts'
import { withParameters } from '../native-function.ts'
import { floatText, isNumeric, normalizeInt, truncate } from '../numbers.ts'
import { UntrustedText } from '../untrusted-text.ts'
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
  return value instanceof UntrustedText ? untrustedMethods : methodOfOthers(value)
}

function methodOfOthers(value: Value): MethodTable | undefined {
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

/** What a number shows of itself without a call. */
export function numberAttribute(value: Value, name: string): Value | undefined {
  if (!isNumeric(value)) return undefined
  const whole = wholeOf(value)
  if (name === 'real') return whole
  if (name === 'imag') return value instanceof Float ? new Float(0) : 0
  if (value instanceof Float) return undefined
  if (name === 'numerator') return whole
  return name === 'denominator' ? 1 : undefined
}

const wholeOf = (value: Value): Value => (typeof value === 'boolean' ? Number(value) : value)

/** The two whole numbers of which a float is the quotient. */
function integerRatio(value: number): Value {
  let denominator = 1n
  let numerator = value
  truncate(value)
  while (!Number.isInteger(numerator)) {
    numerator *= 2
    denominator *= 2n
  }
  return new Tuple([normalizeInt(BigInt(numerator)), normalizeInt(denominator)])
}

/** Python's float.hex(): the bits, as C's %a shows them. */
function hexText(value: number): string {
  if (!Number.isFinite(value)) return floatText(value)
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, value)
  const whole = bits.getBigUint64(0)
  const mantissa = (whole & ((1n << 52n) - 1n)).toString(16).padStart(13, '0')
  const exponent = Number((whole >> 52n) & 0x7ffn)
  const sign = whole >> 63n === 1n ? '-' : ''
  if (value === 0) return `${sign}0x0.0p+0`
  const power = exponent === 0 ? -1022 : exponent - 1023
  return `${sign}0x${exponent === 0 ? 0 : 1}.${mantissa}p${power < 0 ? '' : '+'}${power}`
}

const floatMethods: ReadonlyMap<string, NativeFunction> = new Map([
  ['is_integer', withParameters('is_integer', [], (value) => Number.isInteger((value as Float).value))],
  ['conjugate', withParameters('conjugate', [], (value) => value)],
  ['hex', withParameters('hex', [], (value) => hexText((value as Float).value))],
  ['as_integer_ratio', withParameters('as_integer_ratio', [], (value) => integerRatio((value as Float).value))]
])

const intMethods: ReadonlyMap<string, NativeFunction> = new Map([
  ['as_integer_ratio', withParameters('as_integer_ratio', [], (value) => new Tuple([wholeOf(value), 1]))],
  [
    'bit_count',
    withParameters(
      'bit_count',
      [],
      (value) =>
        BigInt(value as number | bigint | boolean)
          .toString(2)
          .replace(/[-0]/g, '').length
    )
  ],
  ['conjugate', withParameters('conjugate', [], wholeOf)],
  [
    'bit_length',
    withParameters('bit_length', [], (value) => {
      const magnitude = BigInt(value as number | bigint | boolean)
      return magnitude === 0n ? 0 : (magnitude < 0n ? -magnitude : magnitude).toString(2).length
    })
  ]
])
