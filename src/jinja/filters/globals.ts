import { TemplateFault } from '../template-fault.ts'
import { updateDict } from '../values/methods/dict-methods.ts'
import { asInt } from '../values/native-function.ts'
import { repr, toText } from '../values/print.ts'
import { Range } from '../values/range.ts'
import {
  NONE,
  NativeObject,
  type Arguments,
  type Dict,
  type GlobalFunction,
  type Runtime,
  type Value
} from '../values/value.ts'

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

/** A function of ours that a template can call. */
class NativeGlobal extends NativeObject {
  readonly typeName = 'type'
  readonly #name: string
  readonly #run: GlobalFunction

  constructor(name: string, run: GlobalFunction) {
    super()
    this.#name = name
    this.#run = run
  }

  override call(args: Arguments, runtime: Runtime): Value {
    return this.#run(args, runtime)
  }

  override print(): string {
    return `<class '${this.#name}'>`
  }
}

const makeDict = (args: Arguments, runtime: Runtime): Dict => {
  const dict: Dict = new Map()
  updateDict(dict, args, runtime)
  return dict
}

const functions: Record<string, GlobalFunction> = {
  range: ({ positional }, runtime) => {
    const range = Range.of(positional.map(asInt))
    runtime.spend(range.size())
    return range
  },
  dict: makeDict,
  namespace: (args, runtime) =>
    new Namespace(Array.from(makeDict(args, runtime), ([name, value]): [string, Value] => [toText(name), value])),
  cycler: ({ positional }) => new Cycler(positional),
  joiner: ({ positional, keywords }) => new Joiner(positional[0] ?? keywords?.get('sep') ?? ', ')
}

/** The functions that every template can call. */
export const builtInGlobals: ReadonlyMap<string, Value> = new Map(
  Object.entries(functions).map(([name, run]) => [name, new NativeGlobal(name, run)])
)

/** Gives its items in turn, over and over. */
class Cycler extends NativeObject {
  readonly typeName = 'Cycler'
  readonly #items: readonly Value[]
  #position = 0

  constructor(items: readonly Value[]) {
    super()
    if (items.length === 0) throw new TemplateFault('TypeError', 'at least one item has to be provided')
    this.#items = items
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case 'current':
        return this.#current()
      case 'next':
        return new NativeGlobal('next', () => this.#advance())
      case 'reset':
        return new NativeGlobal('reset', () => {
          this.#position = 0
          return NONE
        })
      default:
        return undefined
    }
  }

  #current(): Value {
    return this.#items[this.#position] as Value
  }

  #advance(): Value {
    const current = this.#current()
    this.#position = (this.#position + 1) % this.#items.length
    return current
  }
}

/** Nothing at the first call, the separator from then on. */
class Joiner extends NativeObject {
  readonly typeName = 'Joiner'
  readonly #separator: Value
  #used = false

  constructor(separator: Value) {
    super()
    this.#separator = separator
  }

  override call(): Value {
    if (this.#used) return this.#separator
    this.#used = true
    return ''
  }
}
