import { compileCall } from './compile-call.ts'
import { Frame, capture, type Execute, type Scope } from './scope.ts'
import type { Body, Signature, SyntaxNode } from '../syntax/syntax.ts'
import { mentions } from '../syntax/walk-syntax.ts'
import { TemplateFault } from '../template-fault.ts'
import { repr, toText } from '../values/print.ts'
import {
  Markup,
  NONE,
  NativeObject,
  Tuple,
  Undefined,
  type Arguments,
  type None,
  type Runtime,
  type Value
} from '../values/value.ts'

/** What a macro's text says of it. */
interface MacroShape {
  /** None for what stands in a call block. */
  readonly name: string | None
  readonly parameters: readonly string[]
  readonly usesVarargs: boolean
  readonly usesKwargs: boolean
  readonly usesCaller: boolean
}

/** Arguments sorted to their parameters; undefined where none was given. */
interface MacroArguments {
  readonly parameters: readonly (Value | undefined)[]
  readonly varargs: readonly Value[]
  readonly kwargs: ReadonlyMap<string, Value>
  readonly caller: Value | undefined
}

/** A macro, or the `caller` of a call block. */
class Macro extends NativeObject {
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
    return `<Macro ${this.#shape.name === NONE ? 'anonymous' : repr(this.#shape.name)}>`
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

export function compileMacro(node: SyntaxNode<'Macro'>, scope: Scope): Execute {
  const make = compileFunction(node.name, node.signature, node.body, scope)
  const slot = scope.slot(node.name)
  return (frame) => {
    frame.slots[slot] = make(frame)
  }
}

/** `{% call m(…) %}…{% endcall %}`: the macro gets what is inside as its `caller`. */
export function compileCallBlock(node: SyntaxNode<'CallBlock'>, scope: Scope): Execute {
  const make = compileFunction(NONE, node.signature, node.body, scope)
  const call = compileCall(node.call, scope, (frame) => ['caller', make(frame)])
  return (frame, output) => {
    output.write(toText(call(frame)))
  }
}

/** Slots of a macro's own variables; the last three only where the macro reads them. */
interface MacroSlots {
  readonly parameters: readonly number[]
  readonly varargs: number | undefined
  readonly kwargs: number | undefined
  readonly caller: number | undefined
}

function compileFunction(name: string | None, signature: Signature, body: Body, scope: Scope): (frame: Frame) => Macro {
  const inner = scope.innerFrame()
  const { names, defaults } = signature
  const special = ['varargs', 'kwargs', 'caller'].filter((one) => mentions(body, one) && !names.includes(one))
  const enter = inner.declareAll({ parameters: [...names, ...special], parts: [...defaults, body] })
  const specialSlot = (one: string): number | undefined => (special.includes(one) ? inner.slot(one) : undefined)
  const slots: MacroSlots = {
    parameters: names.map((parameter) => inner.slot(parameter)),
    varargs: specialSlot('varargs'),
    kwargs: specialSlot('kwargs'),
    caller: specialSlot('caller')
  }
  const fillIn = compileDefaults(signature, inner)
  const execute = inner.body(body)
  const shape = {
    name,
    parameters: names,
    usesVarargs: slots.varargs !== undefined,
    usesKwargs: slots.kwargs !== undefined,
    usesCaller: mentions(body, 'caller')
  }
  const { autoescape } = scope
  return (outer) =>
    new Macro(shape, (args, runtime) =>
      runtime.descend(() => {
        const frame = new Frame(inner.layout.size, runtime, outer)
        enter(frame)
        setArguments(frame, slots, args)
        fillIn(frame)
        const text = capture(execute, frame)
        return autoescape ? new Markup(text) : text
      })
    )
}

function setArguments({ slots: values }: Frame, slots: MacroSlots, args: MacroArguments): void {
  if (slots.varargs !== undefined) values[slots.varargs] = new Tuple(args.varargs)
  if (slots.kwargs !== undefined) values[slots.kwargs] = new Map<Value, Value>(args.kwargs)
  if (slots.caller !== undefined) values[slots.caller] = args.caller ?? new Undefined(() => 'No caller defined')
  slots.parameters.forEach((slot, index) => (values[slot] = args.parameters[index]))
}

/** Defaults are worked out at each call, from left to right, and may use the parameters before them. */
function compileDefaults({ names, defaults }: Signature, inner: Scope): (frame: Frame) => void {
  const firstDefault = names.length - defaults.length
  const steps = names.map((name, index) => {
    const node = defaults[index - firstDefault]
    const missing = new Undefined(() => `parameter '${name}' was not provided`)
    return { slot: inner.slot(name), missing, value: node === undefined ? () => missing : inner.expression(node) }
  })
  return (frame) => {
    // First, as a default that names its own or a later parameter must not find a variable of that name outside.
    for (const { slot, missing } of steps) frame.slots[slot] ??= missing
    for (const { slot, missing, value } of steps) if (frame.slots[slot] === missing) frame.slots[slot] = value(frame)
  }
}
