import type { NativeFunction } from '../compile/library.ts'
import { withParameters, type BoundArguments } from '../compile/parameters.ts'
import type { Runtime } from '../runtime.ts'
import type { Value } from './value.ts'

type Row = readonly [
  parameters: readonly string[],
  run: (subject: Value, args: BoundArguments, runtime: Runtime) => Value
]

/** Native functions from rows of parameters (`?`: may be left out) and what they do. */
export function nativeTable(rows: Readonly<Record<string, Row>>): [string, NativeFunction][] {
  return Object.entries(rows).map(([name, [parameters, run]]) => [name, withParameters(name, parameters, run)])
}
