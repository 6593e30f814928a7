import { TemplateFault } from '../template-fault.ts'
import { attributeGetter, attributesGetter, folding, type Getter } from '../values/attributes.ts'
import { compare, equals, sortValues } from '../values/comparison.ts'
import { asReverse, nativeTable, type BoundArguments } from '../values/native-function.ts'
import { itemsOf } from '../values/sequences.ts'
import {
  Iterator,
  NONE,
  Tuple,
  Undefined,
  isTrue,
  typeName,
  type NativeFunction,
  type Runtime,
  type Value
} from '../values/value.ts'

/** Filters that compare the items of a sequence. */
export const orderFilters: readonly [string, NativeFunction][] = nativeTable({
  sort: [
    ['reverse?', 'case_sensitive?', 'attribute?'],
    (value, [reverse = false, caseSensitive = false, attribute], runtime) =>
      sortValues(
        itemsOf(value, runtime),
        attributesGetter(attribute, isTrue(caseSensitive)),
        asReverse(reverse),
        runtime
      )
  ],
  dictsort: [['case_sensitive?', 'by?', 'reverse?'], sortDict],
  unique: [['case_sensitive?', 'attribute?'], unique],
  groupby: [['attribute', 'default?', 'case_sensitive?'], groupBy],
  min: [['case_sensitive?', 'attribute?'], (value, args, runtime) => extreme(value, args, runtime, -1)],
  max: [['case_sensitive?', 'attribute?'], (value, args, runtime) => extreme(value, args, runtime, 1)]
})

function sortDict(
  value: Value,
  [caseSensitive = false, by = 'key', reverse = false]: BoundArguments,
  runtime: Runtime
): Value {
  if (by !== 'key' && by !== 'value') {
    throw new TemplateFault('FilterArgumentError', 'You can only sort by either "key" or "value"')
  }
  if (value instanceof Undefined) throw value.fault()
  if (!(value instanceof Map)) {
    throw new TemplateFault('TypeError', `dictsort wants a dict, not '${typeName(value)}'`)
  }
  const pairs = Array.from(value, (pair) => new Tuple(pair))
  const pick: Getter = (pair) => (pair as Tuple).items[by === 'key' ? 0 : 1] as Value
  return sortValues(pairs, folding(pick, isTrue(caseSensitive)), asReverse(reverse), runtime)
}

function unique(value: Value, [caseSensitive = false, attribute]: BoundArguments, runtime: Runtime): Value {
  const texts = new Set<Value>()
  const others: Value[] = []
  return Iterator.generator(() => {
    const keyOf = folding(attributeGetter(attribute), isTrue(caseSensitive))
    return itemsOf(value, runtime).filter((item) => {
      const key = keyOf(item)
      if (typeof key !== 'string') return isNew(key, others, runtime)
      if (texts.has(key)) return false
      texts.add(key)
      return true
    })
  })
}

function isNew(key: Value, seen: Value[], runtime: Runtime): boolean {
  if (Array.isArray(key) || key instanceof Map) {
    throw new TemplateFault('TypeError', `unhashable type: '${typeName(key)}'`)
  }
  runtime.spend(seen.length)
  if (seen.some((own) => equals(own, key, runtime))) return false
  seen.push(key)
  return true
}

function groupBy(
  value: Value,
  [attribute, fallback = NONE, caseSensitive = false]: BoundArguments,
  runtime: Runtime
): Value {
  const pick = attributeGetter(attribute, fallback)
  const keyOf = folding(pick, isTrue(caseSensitive))
  const groups: { key: Value; items: Value[] }[] = []
  for (const item of sortValues(itemsOf(value, runtime), keyOf, false, runtime)) {
    const key = keyOf(item)
    const group = groups.at(-1)
    if (group !== undefined && equals(group.key, key, runtime)) group.items.push(item)
    else groups.push({ key, items: [item] })
  }
  return groups.map(({ key, items }) => {
    const shown = isTrue(caseSensitive) ? key : pick(items[0] as Value)
    return new Tuple([shown, items], ['grouper', 'list'])
  })
}

function extreme(
  value: Value,
  [caseSensitive = false, attribute]: BoundArguments,
  runtime: Runtime,
  direction: 1 | -1
): Value {
  const [first, ...rest] = itemsOf(value, runtime)
  if (first === undefined) return new Undefined(() => 'No aggregated item, sequence was empty.')
  const keyOf = folding(attributeGetter(attribute), isTrue(caseSensitive))
  let best = { item: first, key: keyOf(first) }
  for (const item of rest) {
    const key = keyOf(item)
    if (compare(key, best.key, direction === 1 ? '>' : '<', runtime) * direction > 0) best = { item, key }
  }
  return best.item
}
