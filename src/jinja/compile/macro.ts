import { repr } from '../values/print.ts'
import type { Runtime } from '../runtime.ts'
import { TemplateFault } from '../template-fault.ts'
import { NativeObject, Tuple, type Arguments, type Value } from '../values/value.ts'

/** What a macro's text says of it. */
export interface MacroShape {
  /** Null for what stands in a call block. */
  readonly name: string | null
  readonly parameters: readonly string[]
  readonly usesVarargs: boolean
  readonly usesKwargs: boolean
  readonly usesCaller: boolean
}

/** Arguments sorted to their parameters; undefined where none was given. */
export interface MacroArguments {
  readonly parameters: readonly (Value | undefined)[]
  readonly varargs: readonly Value[]
  readonly kwargs: ReadonlyMap<string, Value>
  readonly caller: Value | undefined
}

/** A macro, or the `caller` of a call block. */
export class Macro extends NativeObject {
  readonly typeName = 'Macro'
  readonly #shape: MacroShape
  readonly #run: (args: MacroArguments, runtime: Runtime) => Value

  constructor(shape: MacroShape, run: (args: MacroArguments, runtime: Runtime) => Value) {
    super()
    this.#shape = shape
    this.#run = run
  }

  override attribute(name: string): Value | undefined {
    const { parameters, usesVarargs, usesKwargs, usesCaller } = this.#shape
    const attributes = new Map<string, Value>([
      ['name', this.#shape.name],
      ['arguments', new Tuple(parameters)],
      ['catch_varargs', usesVarargs],
      ['catch_kwargs', usesKwargs],
      ['caller', usesCaller]
    ])
    return attributes.get(name)
  }

  override call(args: Arguments, runtime: Runtime): Value {
    return this.#run(this.#bind(args), runtime)
  }

  override print(): string {
    return `<Macro ${this.#shape.name === null ? 'anonymous' : repr(this.#shape.name)}>`
  }

  #bind({ positional, keywords }: Arguments): MacroArguments {
    const { name, parameters, usesVarargs, usesKwargs, usesCaller } = this.#shape
    const kwargs = new Map(keywords)
    const bound: (Value | undefined)[] = parameters.map((parameter, index) => {
      const given = positional[index] ?? kwargs.get(parameter)
      if (positional[index] === undefined) kwargs.delete(parameter)
      return given
    })
    const caller = usesCaller && !parameters.includes('caller') ? kwargs.get('caller') : undefined
    if (usesCaller) kwargs.delete('caller')
    if (kwargs.has('caller') && !usesKwargs) {
      throw new TemplateFault('TypeError', `macro ${repr(name)} was called with a body, but does not use its caller`)
    }
    const [unknown] = kwargs.keys()
    if (unknown !== undefined && !usesKwargs) {
      throw new TemplateFault('TypeError', `macro ${repr(name)} takes no keyword argument ${repr(unknown)}`)
    }
    if (positional.length > parameters.length && !usesVarargs) {
      throw new TemplateFault('TypeError', `macro ${repr(name)} takes not more than ${parameters.length} argument(s)`)
    }
    return { parameters: bound, varargs: positional.slice(parameters.length), kwargs, caller }
  }
}
