import type { Runtime } from '../runtime.ts'
import type { Arguments, Value } from '../values/value.ts'

/** A filter, a method or a test: what stands before the bar (or the dot, or `is`), and the arguments. */
export type NativeFunction = (subject: Value, args: Arguments, runtime: Runtime) => Value

/** A function that templates call by name. */
export type GlobalFunction = (args: Arguments, runtime: Runtime) => Value

/** All that a template can reach besides its variables. */
export interface Library {
  readonly filters: ReadonlyMap<string, NativeFunction>
  readonly tests: ReadonlyMap<string, NativeFunction>
  readonly globals: ReadonlyMap<string, Value>
}
