import { findMethod, getAttribute } from '../values/attributes.ts'
import type { Runtime } from '../runtime.ts'
import { TemplateFault } from '../template-fault.ts'
import { typeName } from '../values/type-name.ts'
import { Undefined } from '../values/undefined.ts'
import { NativeObject, type Arguments, type Value } from '../values/value.ts'

export function callValue(callee: Value, args: Arguments, runtime: Runtime): Value {
  runtime.spend()
  if (callee instanceof NativeObject && callee.call !== undefined) return callee.call(args, runtime)
  if (callee instanceof Undefined) throw callee.fault()
  throw new TemplateFault('TypeError', `'${typeName(callee)}' object is not callable`)
}

/** `subject.name(…)`, without making an object of the method. */
export function callMethod(subject: Value, name: string, args: Arguments, runtime: Runtime): Value {
  const method = findMethod(subject, name)
  if (method === undefined) return callValue(getAttribute(subject, name), args, runtime)
  runtime.spend()
  return method(subject, args, runtime)
}
