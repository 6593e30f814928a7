import { repr } from './print.ts'
import { NativeObject, type Value } from './value.ts'

/** What `namespace()` makes: the one object whose attributes a template may set. */
export class Namespace extends NativeObject {
  readonly typeName = 'Namespace'
  readonly #attributes: Map<string, Value>

  constructor(attributes: Iterable<[string, Value]>) {
    super()
    this.#attributes = new Map(attributes)
  }

  override attribute(name: string): Value | undefined {
    return this.#attributes.get(name)
  }

  set(name: string, value: Value): void {
    this.#attributes.set(name, value)
  }

  override print(): string {
    return `<Namespace ${repr(new Map<Value, Value>(this.#attributes))}>`
  }
}
