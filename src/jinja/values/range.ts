import { TemplateFault } from '../template-fault.ts'
import { isNumeric } from './numbers.ts'
import { comparable } from './order.ts'
import { NativeObject, type Value } from './value.ts'

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
