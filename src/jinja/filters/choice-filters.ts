import { TemplateFault } from '../template-fault.ts'
import { attributeGetter, ownAttribute, type Getter } from '../values/attributes.ts'
import { asText, nativeTable } from '../values/native-function.ts'
import { repr, toText } from '../values/print.ts'
import { itemsOf } from '../values/sequences.ts'
import {
  Iterator,
  Undefined,
  describeOwner,
  isTrue,
  noKeywords,
  type Arguments,
  type NativeFunction,
  type Runtime,
  type Value
} from '../values/value.ts'

const fallBack = (value: Value, [fallback = '', boolean = false]: readonly (Value | undefined)[]): Value =>
  value instanceof Undefined || (isTrue(boolean) && !isTrue(value)) ? fallback : value

/** Filters that choose: items by a test, attributes by a name, another value for a missing one. */
export const choiceFilters: readonly [string, NativeFunction][] = [
  ...nativeTable({
    default: [['default_value?', 'boolean?'], fallBack],
    d: [['default_value?', 'boolean?'], fallBack],
    attr: [
      ['name'],
      (value, [name]) => {
        const attribute = ownAttribute(value, asText(name))
        return attribute ?? new Undefined(() => `'${describeOwner(value)}' has no attribute ${repr(name as Value)}`)
      }
    ]
  }),
  ['map', map],
  ['select', (value, args, runtime) => pick('select', value, args, runtime, { wanted: true, byAttribute: false })],
  ['reject', (value, args, runtime) => pick('reject', value, args, runtime, { wanted: false, byAttribute: false })],
  [
    'selectattr',
    (value, args, runtime) => pick('selectattr', value, args, runtime, { wanted: true, byAttribute: true })
  ],
  [
    'rejectattr',
    (value, args, runtime) => pick('rejectattr', value, args, runtime, { wanted: false, byAttribute: true })
  ]
]

function map(value: Value, args: Arguments, runtime: Runtime): Value {
  let convert: Getter | undefined
  return new Iterator(
    'generator',
    lazily(value, runtime, (item) => {
      // The filter is looked up when there is something to filter, as in Jinja2.
      convert ??= mapping(args, runtime)
      return [convert(item)]
    })
  )
}

function mapping({ positional, keywords = noKeywords }: Arguments, runtime: Runtime): Getter {
  const attribute = keywords.get('attribute')
  if (positional.length === 0 && attribute !== undefined) {
    const unexpected = [...keywords.keys()].find((name) => name !== 'attribute' && name !== 'default')
    if (unexpected !== undefined) {
      throw new TemplateFault('FilterArgumentError', `Unexpected keyword argument '${unexpected}'`)
    }
    return attributeGetter(attribute, keywords.get('default'))
  }
  const [name, ...rest] = positional
  if (name === undefined) throw new TemplateFault('FilterArgumentError', 'map requires a filter argument')
  const filter = named(runtime.library.filters, 'filter', name)
  return (item) => filter(item, { positional: rest, keywords }, runtime)
}

interface Choice {
  readonly wanted: boolean
  readonly byAttribute: boolean
}

function pick(
  filter: string,
  value: Value,
  { positional, keywords }: Arguments,
  runtime: Runtime,
  choice: Choice
): Value {
  const [attribute] = positional
  const subjectOf = choice.byAttribute && attribute !== undefined ? attributeGetter(attribute) : (item: Value) => item
  const [name, ...rest] = choice.byAttribute ? positional.slice(1) : positional
  const args = { positional: rest, keywords }
  const passes = (subject: Value): Value =>
    name === undefined ? subject : named(runtime.library.tests, 'test', name)(subject, args, runtime)
  const keeps = (item: Value): boolean => isTrue(passes(subjectOf(item))) === choice.wanted
  const start = (): void => {
    if (!choice.byAttribute || attribute !== undefined) return
    throw new TemplateFault('FilterArgumentError', `Missing parameter for attribute name of ${filter}`)
  }
  return new Iterator(
    'generator',
    lazily(value, runtime, (item) => (keeps(item) ? [item] : []), start)
  )
}

/** One by one, as the loop over the result asks for them. What is false has no items, whatever it is. */
function* lazily(
  value: Value,
  runtime: Runtime,
  convert: (item: Value) => Value[],
  start?: () => void
): Generator<Value> {
  if (!isTrue(value)) return
  start?.()
  if (value instanceof Iterator) {
    for (let item = value.next(); item !== undefined; item = value.next()) yield* convert(item)
    return
  }
  for (const item of itemsOf(value, runtime)) yield* convert(item)
}

function named(table: ReadonlyMap<string, NativeFunction>, kind: string, name: Value): NativeFunction {
  const found = table.get(toText(name))
  if (found === undefined) throw new TemplateFault('TemplateAssertionError', `No ${kind} named ${repr(name)}.`)
  return found
}
