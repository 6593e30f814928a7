import { PartLimit, type StepLimit } from '../limits.ts'
import { TemplateFault } from '../template-fault.ts'
import { isNumeric, type Numeric } from './numbers.ts'
import { compareText } from './text/characters.ts'
import { UntrustedText } from './untrusted-text.ts'
import {
  Float,
  Markup,
  NativeObject,
  Tuple,
  Undefined,
  typeName,
  type Dict,
  type Runtime,
  type Value
} from './value.ts'

/** Python's ==, which compares by content and across the kinds of number. */
export function equals(a: Value, b: Value, limit: StepLimit = new PartLimit()): boolean {
  if (typeof a !== 'string' && a === b) return true
  if (typeof a === 'string' && typeof b === 'string') return equalLongTexts(a, b, limit)
  return isNumeric(a) ? isNumeric(b) && equalNumbers(a, b) : equalObjects(a, b, limit)
}

/** Characters that are compared for one step. */
const CHARACTERS_PER_STEP = 256

function equalLongTexts(a: string, b: string, limit: StepLimit): boolean {
  if (a.length !== b.length) return false
  if (a.length > CHARACTERS_PER_STEP) limit.spend(a.length / CHARACTERS_PER_STEP)
  return a === b
}

function equalObjects(a: Value, b: Value, limit: StepLimit): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && equalItems(a, b, limit)
  if (a instanceof Map) return b instanceof Map && equalDicts(a, b, limit)
  if (a instanceof Tuple) return b instanceof Tuple && equalItems(a.items, b.items, limit)
  return equalOthers(a, b)
}

function equalOthers(a: Value, b: Value): boolean {
  if (a instanceof NativeObject) return a.equals?.(b) ?? false
  if (b instanceof UntrustedText) return b.equals(a)
  return a instanceof Undefined ? b instanceof Undefined : equalTexts(a, b)
}

function equalTexts(a: Value, b: Value): boolean {
  if (!(a instanceof Markup || b instanceof Markup)) return false
  const left = a instanceof Markup ? a.text : a
  return typeof left === 'string' && left === (b instanceof Markup ? b.text : b)
}

function equalNumbers(a: Numeric, b: Numeric): boolean {
  const left = comparable(a)
  const right = comparable(b)
  // Loosely, as JavaScript compares a bigint with a number by their exact values.
  return left == right
}

function equalItems(a: readonly Value[], b: readonly Value[], limit: StepLimit): boolean {
  limit.spend(a.length)
  return a.length === b.length && a.every((item, index) => equals(item, b[index] as Value, limit))
}

function equalDicts(a: Dict, b: Dict, limit: StepLimit): boolean {
  limit.spend(a.size)
  if (a.size !== b.size) return false
  for (const [key, value] of a) {
    const other = dictGet(b, key, limit)
    if (other === undefined || !equals(value, other, limit)) return false
  }
  return true
}

/** A number that JavaScript's own operators compare exactly. */
export function comparable(value: Numeric): number | bigint {
  if (typeof value === 'boolean') return value ? 1 : 0
  return value instanceof Float ? value.value : value
}

type Ordering = '<' | '<=' | '>' | '>='

/**
 * Negative, zero or positive; NaN when one of them is not a number.
 *
 * @throws TemplateFault TypeError when Python would not order the two
 */
export function compare(a: Value, b: Value, operator: Ordering, limit: StepLimit): number {
  if (typeof a === 'string' && typeof b === 'string') {
    limit.spend((a.length + b.length) / CHARACTERS_PER_STEP)
    return compareText(a, b)
  }
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(comparable(a), comparable(b))
  return compareObjects(a, b, operator, limit)
}

function compareObjects(a: Value, b: Value, operator: Ordering, limit: StepLimit): number {
  const untrusted = compareUntrusted(a, b)
  if (untrusted !== undefined) return untrusted
  const left = itemsOf(a)
  const right = itemsOf(b)
  if (left !== undefined && right !== undefined && Array.isArray(a) === Array.isArray(b)) {
    return compareItems(left, right, operator, limit)
  }
  if (a instanceof Markup || b instanceof Markup) return compare(plain(a), plain(b), operator, limit)
  for (const side of [a, b]) if (side instanceof Undefined) throw side.fault()
  throw new TemplateFault(
    'TypeError',
    `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`
  )
}

function compareUntrusted(a: Value, b: Value): number | undefined {
  if (a instanceof UntrustedText) return a.order(b)
  const reversed = b instanceof UntrustedText ? b.order(a) : undefined
  return reversed === undefined ? undefined : -reversed
}

function compareNumbers(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1
  if (a > b) return 1
  return a == b ? 0 : Number.NaN
}

function itemsOf(value: Value): readonly Value[] | undefined {
  if (value instanceof Tuple) return value.items
  return Array.isArray(value) ? value : undefined
}

function plain(value: Value): Value {
  return value instanceof Markup ? value.text : value
}

function compareItems(a: readonly Value[], b: readonly Value[], operator: Ordering, limit: StepLimit): number {
  const length = Math.min(a.length, b.length)
  limit.spend(length)
  for (let index = 0; index < length; index++) {
    const [left, right] = [a[index] as Value, b[index] as Value]
    if (!equals(left, right, limit)) return compare(left, right, operator, limit)
  }
  return a.length - b.length
}

/** Python's sorted(): stable, and stable in reverse too. */
export function sortValues(
  items: readonly Value[],
  keyOf: (item: Value) => Value,
  reverse: boolean,
  runtime: Runtime
): Value[] {
  runtime.spend(items.length * Math.ceil(Math.log2(items.length + 1)))
  const keyed = items.map((item) => ({ item, key: keyOf(item) }))
  keyed.sort(reverse ? (a, b) => compare(b.key, a.key, '<', runtime) : (a, b) => compare(a.key, b.key, '<', runtime))
  return keyed.map(({ item }) => item)
}

/**
 * Finds the key under which a dict holds a value. Strings and ints are their
 * own keys; 1, 1.0 and True are one key in Python, and tuples are equal by content.
 *
 * @throws TemplateFault TypeError for what cannot be a key
 */
function keyIn(dict: ReadonlyMap<Value, Value>, key: Value, limit: StepLimit | undefined): Value {
  if (key instanceof Markup) return dict.has(key.text) ? key.text : key
  if (typeof key === 'string' || dict.has(key)) return key
  if (Array.isArray(key) || key instanceof Map) {
    throw new TemplateFault('TypeError', `unhashable type: '${typeName(key)}'`)
  }
  return isNumeric(key) || key instanceof Tuple || key instanceof NativeObject ? equalKeyIn(dict, key, limit) : key
}

function equalKeyIn(dict: ReadonlyMap<Value, Value>, key: Value, limit: StepLimit = new PartLimit()): Value {
  const wanted = key instanceof Float ? comparable(key) : key
  if (dict.has(wanted)) return wanted
  limit.spend(dict.size)
  for (const candidate of dict.keys())
    if ((typeof candidate !== 'string' || key instanceof UntrustedText) && equals(candidate, key, limit))
      return candidate
  return key
}

export function dictGet(dict: ReadonlyMap<Value, Value>, key: Value, limit?: StepLimit): Value | undefined {
  return dict.get(keyIn(dict, key, limit))
}

export function dictHas(dict: ReadonlyMap<Value, Value>, key: Value, limit?: StepLimit): boolean {
  return dict.has(keyIn(dict, key, limit))
}

export function dictSet(dict: Dict, key: Value, value: Value, limit?: StepLimit): void {
  const own = keyIn(dict, key, limit)
  // As a new key it would be found by no string.
  dict.set(own instanceof UntrustedText && !dict.has(own) ? own.print() : own, value)
}

export function dictDelete(dict: Dict, key: Value, limit?: StepLimit): void {
  dict.delete(keyIn(dict, key, limit))
}
