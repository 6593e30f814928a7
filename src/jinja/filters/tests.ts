import type { CompareOperator } from '../syntax/syntax.ts'
import { TemplateFault } from '../template-fault.ts'
import { equals } from '../values/comparison.ts'
import { nativeTable } from '../values/native-function.ts'
import { isNumeric } from '../values/numbers.ts'
import { applyOperator, comparisons } from '../values/operators.ts'
import { toText } from '../values/print.ts'
import { isIterable, sizeOf } from '../values/sequences.ts'
import { isInCase } from '../values/text/strings.ts'
import { UntrustedText } from '../values/untrusted-text.ts'
import {
  Float,
  Markup,
  NONE,
  NativeObject,
  Tuple,
  Undefined,
  typeName,
  type NativeFunction,
  type Runtime,
  type Value
} from '../values/value.ts'

const COMPARISONS: readonly (readonly [CompareOperator, ...string[]])[] = [
  ['==', '==', 'eq', 'equalto'],
  ['!=', '!=', 'ne'],
  ['>', '>', 'gt', 'greaterthan'],
  ['>=', '>=', 'ge'],
  ['<', '<', 'lt', 'lessthan'],
  ['<=', '<=', 'le'],
  ['in', 'in']
]

const remainder = (value: Value, divisor: Value, runtime: Runtime): Value =>
  applyOperator('Mod', value, divisor, runtime)

const isPlainInt = (value: Value): boolean => typeof value === 'number' || typeof value === 'bigint'

const isSequence = (value: Value): boolean =>
  sizeOf(value) !== undefined && (!(value instanceof NativeObject) || value.sequence !== undefined)

/** All of Jinja2's tests: what may stand behind `is`. */
export const builtInTests: ReadonlyMap<string, NativeFunction> = new Map([
  ...nativeTable({
    defined: [[], (value) => !(value instanceof Undefined)],
    undefined: [[], (value) => value instanceof Undefined],
    none: [[], (value) => value === NONE],
    boolean: [[], (value) => typeof value === 'boolean'],
    true: [[], (value) => value === true],
    false: [[], (value) => value === false],
    integer: [[], isPlainInt],
    float: [[], (value) => value instanceof Float],
    number: [[], isNumeric],
    string: [[], (value) => typeof value === 'string' || value instanceof Markup || value instanceof UntrustedText],
    mapping: [[], (value) => value instanceof Map],
    sequence: [[], isSequence],
    iterable: [[], isIterable],
    // What is undefined has a __call__, which raises.
    callable: [
      [],
      (value) => value instanceof Undefined || (value instanceof NativeObject && value.call !== undefined)
    ],
    escaped: [[], (value) => value instanceof Markup],
    odd: [[], (value, _, runtime) => equals(remainder(value, 2, runtime), 1)],
    even: [[], (value, _, runtime) => equals(remainder(value, 2, runtime), 0)],
    divisibleby: [['num'], (value, [divisor], runtime) => equals(remainder(value, divisor as Value, runtime), 0)],
    lower: [[], (value) => isInCase(toText(value), /[\p{Lu}\p{Lt}]/u)],
    upper: [[], (value) => isInCase(toText(value), /[\p{Ll}\p{Lt}]/u)],
    sameas: [['other'], (value, [other]) => isSame(value, other as Value)],
    filter: [[], (value, _, { library }) => library.filters.has(asName(value))],
    test: [[], (value, _, { library }) => library.tests.has(asName(value))]
  }),
  ...COMPARISONS.flatMap(([operator, ...names]) =>
    nativeTable(
      Object.fromEntries(
        names.map((name) => [
          name,
          [
            ['other'],
            (value: Value, [other]: readonly (Value | undefined)[], runtime: Runtime) =>
              comparisons[operator](value, other as Value, runtime)
          ] as const
        ])
      )
    )
  )
])

/** What is looked for in a dict of Python's. */
function asName(value: Value): string {
  if (Array.isArray(value) || value instanceof Map) {
    throw new TemplateFault('TypeError', `unhashable type: '${typeName(value)}'`)
  }
  return toText(value)
}

/** Python's `is`: the same object. Small values have no identity of their own here, so equal ones are the same. */
function isSame(value: Value, other: Value): boolean {
  if (value instanceof Float && other instanceof Float) return value === other
  if (value instanceof Tuple && other instanceof Tuple) {
    return value === other || (value.items.length === 0 && other.items.length === 0)
  }
  return value === other
}
