import { TemplateFault } from '../template-fault.ts'
import { isNumeric, toDouble } from './numbers.ts'
import { UntrustedText } from './untrusted-text.ts'
import { Markup, NONE, typeName, type Arguments, type NativeFunction, type Runtime, type Value } from './value.ts'

/** Values in the order of the parameters; undefined where an optional one was left out. */
export type BoundArguments = readonly (Value | undefined)[]

type Implementation = (subject: Value, args: BoundArguments, runtime: Runtime) => Value

/**
 * Gives a native function named parameters, bound as Python does.
 *
 * @param parameters names in order; one that ends in `?` may be left out
 */
export function withParameters(name: string, parameters: readonly string[], run: Implementation): NativeFunction {
  const names = parameters.map((parameter) => parameter.replace('?', ''))
  const required = parameters.filter((parameter) => !parameter.endsWith('?')).length
  return (subject, args, runtime) => run(subject, bind({ name, names, required }, args), runtime)
}

/** The same for what takes its arguments by position alone, as most methods do. */
export function byPosition(name: string, run: NativeFunction): NativeFunction {
  return (subject, args, runtime) => {
    if (args.keywords !== undefined && args.keywords.size > 0) {
      throw new TemplateFault('TypeError', `${name}() takes no keyword arguments`)
    }
    return run(subject, args, runtime)
  }
}

interface Signature {
  readonly name: string
  readonly names: readonly string[]
  readonly required: number
}

function bind({ name, names, required }: Signature, { positional, keywords }: Arguments): BoundArguments {
  if (positional.length > names.length) {
    throw new TemplateFault(
      'TypeError',
      `${name}() takes at most ${names.length} argument${names.length === 1 ? '' : 's'}, got ${positional.length}`
    )
  }
  const bound: (Value | undefined)[] = [...positional]
  for (const [keyword, value] of keywords ?? []) {
    const index = names.indexOf(keyword)
    if (index === -1) throw new TemplateFault('TypeError', `${name}() got an unexpected keyword argument '${keyword}'`)
    if (bound[index] !== undefined) {
      throw new TemplateFault('TypeError', `${name}() got multiple values for argument '${keyword}'`)
    }
    bound[index] = value
  }
  for (let index = 0; index < required; index++) {
    if (bound[index] === undefined)
      throw new TemplateFault('TypeError', `${name}() is missing its argument '${names[index] ?? ''}'`)
  }
  return bound
}

type Row = readonly [
  parameters: readonly string[],
  run: (subject: Value, args: BoundArguments, runtime: Runtime) => Value
]

/** Native functions from rows of parameters (`?`: may be left out) and what they do. */
export function nativeTable(rows: Readonly<Record<string, Row>>): [string, NativeFunction][] {
  return Object.entries(rows).map(([name, [parameters, run]]) => [name, withParameters(name, parameters, run)])
}

/** An argument that must be a string. */
export function asText(value: Value | undefined): string {
  if (typeof value === 'string') return value
  if (value instanceof Markup) return value.text
  if (value instanceof UntrustedText) return value.print()
  throw new TemplateFault('TypeError', `expected a string, not '${typeName(value ?? NONE)}'`)
}

export function asTextOr<T>(value: Value | undefined, otherwise: T): string | T {
  return value === undefined || value === NONE ? otherwise : asText(value)
}

/** An argument that must be an int. */
export function asInt(value: Value | undefined): number {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return Number(value)
  throw new TemplateFault('TypeError', `'${typeName(value ?? NONE)}' object cannot be interpreted as an integer`)
}

/** An argument that is compared with numbers. */
export function asNumber(value: Value): number {
  if (isNumeric(value)) return toDouble(value)
  throw new TemplateFault('TypeError', `'${typeName(value)}' object cannot be compared with a number`)
}

/** Python's flag of sorted(): an int. */
export const asReverse = (value: Value | undefined): boolean => asInt(value ?? false) !== 0

export function asIntOr(value: Value | undefined, otherwise: number): number {
  return value === undefined || value === NONE ? otherwise : asInt(value)
}
