import { TemplateFault } from '../template-fault.ts'
import { comparable } from './comparison.ts'
import { isNumeric, type Numeric } from './numbers.ts'
import { repr } from './print.ts'
import { NativeObject, type Arguments, type Value } from './value.ts'

/** Python's range(start, stop, step): its numbers are worked out when they are asked for. */
export class Range extends NativeObject {
  readonly typeName = 'range'
  readonly #start: number
  readonly #stop: number
  readonly #step: number

  private constructor(start: number, stop: number, step: number) {
    super()
    this.#start = start
    this.#stop = stop
    this.#step = step
  }

  static of(args: readonly number[]): Range {
    const [first, second, step = 1] = args
    if (first === undefined || args.length > 3) {
      throw new TemplateFault('TypeError', `range expected 1 to 3 arguments, got ${args.length}`)
    }
    if (step === 0) throw new TemplateFault('ValueError', 'range() arg 3 must not be zero')
    return second === undefined ? new Range(0, first, 1) : new Range(first, second, step)
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case 'start':
        return this.#start
      case 'stop':
        return this.#stop
      case 'step':
        return this.#step
      case 'index':
        return new RangeMethod(name, (value) => this.#indexOf(value))
      case 'count':
        return new RangeMethod(name, (value) => Number(this.contains(value)))
      default:
        return undefined
    }
  }

  /** Part of the range, which is a range itself. */
  slice(first: number, stop: number, stride: number): Range {
    const step = this.#step * stride
    const at = (index: number): number => this.#start + index * this.#step
    return new Range(at(first), at(stop), step)
  }

  /** Ranges of the same numbers are equal. */
  override equals(other: Value): boolean {
    if (!(other instanceof Range) || other.size() !== this.size()) return false
    if (this.size() === 0) return true
    return this.#start === other.#start && (this.size() === 1 || this.#step === other.#step)
  }

  #indexOf(value: Value): number {
    if (!this.contains(value)) throw new TemplateFault('ValueError', `${repr(value)} is not in range`)
    return (Number(comparable(value as Numeric)) - this.#start) / this.#step
  }

  override size(): number {
    return Math.max(0, Math.ceil((this.#stop - this.#start) / this.#step))
  }

  override *values(): Generator<Value> {
    const size = this.size()
    for (let index = 0; index < size; index++) yield this.#start + index * this.#step
  }

  override sequence(): Value[] {
    return [...this.values()]
  }

  override contains(value: Value): boolean {
    if (!isNumeric(value)) return false
    const steps = (Number(comparable(value)) - this.#start) / this.#step
    return Number.isInteger(steps) && steps >= 0 && steps < this.size()
  }

  override print(): string {
    const range = `${this.#start}, ${this.#stop}`
    return this.#step === 1 ? `range(${range})` : `range(${range}, ${this.#step})`
  }
}

class RangeMethod extends NativeObject {
  readonly typeName = 'builtin_function_or_method'
  readonly #name: string
  readonly #run: (value: Value) => Value

  constructor(name: string, run: (value: Value) => Value) {
    super()
    this.#name = name
    this.#run = run
  }

  override call({ positional: [value, ...rest] }: Arguments): Value {
    if (value === undefined || rest.length > 0) {
      throw new TemplateFault('TypeError', `range.${this.#name}() takes exactly one argument`)
    }
    return this.#run(value)
  }

  override print(): string {
    return `<built-in method ${this.#name} of range object>`
  }
}
