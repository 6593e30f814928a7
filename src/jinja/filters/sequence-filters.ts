import { TemplateFault } from '../template-fault.ts'
import { attributeGetter, getItem } from '../values/attributes.ts'
import { asInt, asNumber, nativeTable, type BoundArguments } from '../values/native-function.ts'
import { isNumeric } from '../values/numbers.ts'
import { applyOperator } from '../values/operators.ts'
import { toText } from '../values/print.ts'
import { itemsOf, sizeOf } from '../values/sequences.ts'
import {
  Iterator,
  Markup,
  NONE,
  Tuple,
  Undefined,
  typeName,
  type NativeFunction,
  type Runtime,
  type Value
} from '../values/value.ts'

const countItems = (value: Value, _: BoundArguments, runtime: Runtime): Value => {
  if (typeof value === 'string') runtime.allowLength(value.length)
  const size = sizeOf(value)
  if (size === undefined) throw new TemplateFault('TypeError', `object of type '${typeName(value)}' has no len()`)
  return size
}

/** Filters that take a sequence apart or put it together. */
export const sequenceFilters: readonly [string, NativeFunction][] = nativeTable({
  length: [[], countItems],
  count: [[], countItems],
  list: [[], (value, _, runtime) => [...itemsOf(value, runtime)]],
  items: [[], (value, _, runtime) => Iterator.generator(() => pairsOf(value, runtime))],
  first: [
    [],
    (value, _, runtime) => {
      const first = value instanceof Iterator ? value.next() : itemsOf(value, runtime)[0]
      return first ?? new Undefined(() => 'No first item, sequence was empty.')
    }
  ],
  last: [
    [],
    (value, _, runtime) => reversible(value, runtime).at(-1) ?? new Undefined(() => 'No last item, sequence was empty.')
  ],
  reverse: [
    [],
    (value, _, runtime) => {
      if (typeof value === 'string' || value instanceof Markup) return Array.from(toText(value)).reverse().join('')
      if (value instanceof Iterator) return [...itemsOf(value, runtime)].reverse()
      return new Iterator(
        Array.isArray(value) ? 'list_reverseiterator' : 'reversed',
        [...itemsOf(value, runtime)].reverse()
      )
    }
  ],
  join: [['d?', 'attribute?'], join],
  sum: [
    ['attribute?', 'start?'],
    (value, [attribute, start = 0], runtime) => {
      if (typeof start === 'string' || start instanceof Markup) {
        throw new TemplateFault('TypeError', "sum() can't sum strings [use ''.join(seq) instead]")
      }
      return itemsOf(value, runtime)
        .map(attributeGetter(attribute))
        .reduce((total, item) => applyOperator('Add', total, item, runtime), start)
    }
  ],
  batch: [['linecount', 'fill_with?'], (...given) => Iterator.generator(() => batch(...given))],
  slice: [['slices', 'fill_with?'], (...given) => Iterator.generator(() => slice(...given))]
})

function pairsOf(value: Value, runtime: Runtime): Value[] {
  if (value instanceof Undefined) return []
  if (!(value instanceof Map)) throw new TemplateFault('TypeError', 'Can only get item pairs from a mapping.')
  return itemsOf(value, runtime).map((key) => new Tuple([key, getItem(value, key)]))
}

function reversible(value: Value, runtime: Runtime): readonly Value[] {
  if (value instanceof Iterator) {
    throw new TemplateFault('TypeError', `'${typeName(value)}' object is not reversible`)
  }
  return itemsOf(value, runtime)
}

function join(value: Value, [separator = '', attribute]: BoundArguments, runtime: Runtime): Value {
  const items = itemsOf(value, runtime)
  const texts = attribute === undefined || attribute === NONE ? items : items.map(attributeGetter(attribute))
  const mark = toText(separator)
  let length = 0
  const parts = texts.map((item) => {
    const text = runtime.print(item)
    length += text.length + mark.length
    return text
  })
  runtime.allowLength(length)
  return parts.join(mark)
}

function batch(value: Value, [count, fill = NONE]: BoundArguments, runtime: Runtime): Value[][] {
  // What is no number equals no length.
  const size = isNumeric(count as Value) ? asNumber(count as Value) : undefined
  const items = itemsOf(value, runtime)
  const rows: Value[][] = []
  let row: Value[] = []
  for (const item of items) {
    if (row.length === size) {
      rows.push(row)
      row = []
    }
    row.push(item)
  }
  if (row.length > 0) {
    const isShort = fill !== NONE && row.length < asNumber(count as Value)
    const missing = isShort ? asInt(count) - row.length : 0
    runtime.spend(missing)
    rows.push([...row, ...Array.from({ length: missing }, () => fill)])
  }
  return rows
}

function slice(value: Value, [slices, fill = NONE]: BoundArguments, runtime: Runtime): Value[][] {
  const count = asInt(slices)
  if (count === 0) throw new TemplateFault('ZeroDivisionError', 'integer division or modulo by zero')
  const items = itemsOf(value, runtime)
  runtime.spend(Math.max(0, count))
  const size = Math.floor(items.length / count)
  const larger = items.length - size * count
  return Array.from({ length: Math.max(0, count) }, (_, index) => {
    const start = index * size + Math.min(index, larger)
    const column = items.slice(start, start + size + (index < larger ? 1 : 0))
    return fill !== NONE && index >= larger ? [...column, fill] : column
  })
}
