import { compileCall } from './compile-call.ts'
import { capture, Frame, type Execute } from './frame.ts'
import { Macro, type MacroArguments } from './macro.ts'
import { toText } from '../values/print.ts'
import type { Scope } from './scope.ts'
import type { Body, Signature, SyntaxNode } from '../syntax/syntax.ts'
import { Undefined } from '../values/undefined.ts'
import { Markup, Tuple, type Value } from '../values/value.ts'
import { mentions, namesSetIn } from '../syntax/walk-syntax.ts'

export function compileMacro(node: SyntaxNode<'Macro'>, scope: Scope): Execute {
  const make = compileFunction(node.name, node.signature, node.body, scope)
  const slot = scope.declare(node.name)
  return (frame) => {
    frame.slots[slot] = make(frame)
  }
}

/** `{% call m(…) %}…{% endcall %}`: the macro gets what is inside as its `caller`. */
export function compileCallBlock(node: SyntaxNode<'CallBlock'>, scope: Scope): Execute {
  const make = compileFunction(null, node.signature, node.body, scope)
  const call = compileCall(node.call, scope, (frame) => ['caller', make(frame)])
  return (frame, output) => {
    output.write(toText(call(frame)))
  }
}

/** Slots of a macro's own variables. */
interface MacroSlots {
  readonly parameters: readonly number[]
  readonly varargs: number
  readonly kwargs: number
  readonly caller: number
}

function compileFunction(name: string | null, signature: Signature, body: Body, scope: Scope): (frame: Frame) => Macro {
  const inner = scope.innerFrame()
  const slots: MacroSlots = {
    parameters: signature.names.map((parameter) => inner.declare(parameter)),
    varargs: inner.declare('varargs'),
    kwargs: inner.declare('kwargs'),
    caller: inner.declare('caller')
  }
  const enter = inner.declareAll([...namesSetIn(body)].filter((set) => !signature.names.includes(set)))
  const fillIn = compileDefaults(signature, inner)
  const execute = inner.body(body)
  const shape = {
    name,
    parameters: signature.names,
    usesVarargs: mentions(body, 'varargs'),
    usesKwargs: mentions(body, 'kwargs'),
    usesCaller: mentions([body, signature.defaults], 'caller')
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

function setArguments(frame: Frame, slots: MacroSlots, args: MacroArguments): void {
  frame.slots[slots.varargs] = new Tuple(args.varargs)
  frame.slots[slots.kwargs] = new Map<Value, Value>(args.kwargs)
  frame.slots[slots.caller] = args.caller ?? new Undefined(() => 'No caller defined')
  slots.parameters.forEach((slot, index) => (frame.slots[slot] = args.parameters[index]))
}

/** Defaults are worked out at each call, from left to right, and may use the parameters before them. */
function compileDefaults({ names, defaults }: Signature, inner: Scope): (frame: Frame) => void {
  const firstDefault = names.length - defaults.length
  const steps = names.map((name, index) => {
    const node = defaults[index - firstDefault]
    const missing = new Undefined(() => `parameter '${name}' was not provided`)
    return { slot: inner.declare(name), value: node === undefined ? () => missing : inner.expression(node) }
  })
  return (frame) => {
    for (const { slot, value } of steps) frame.slots[slot] ??= value(frame)
  }
}
