import type { StepLimit } from '../limits.ts'
import { TemplateFault } from '../template-fault.ts'
import { dictGet } from './comparison.ts'
import { bindMethod, methodOf, numberAttribute } from './methods/methods.ts'
import { repr, toText } from './print.ts'
import { Range } from './range.ts'
import { characters } from './text/characters.ts'
import { UntrustedText } from './untrusted-text.ts'
import {
  Markup,
  NONE,
  NativeObject,
  Tuple,
  Undefined,
  describeOwner,
  typeName,
  type NativeFunction,
  type Value
} from './value.ts'

/** The item under a key or an index; undefined when there is none. */
function itemAt(value: Value, key: Value, limit?: StepLimit): Value | undefined {
  // A key that cannot be one is as good as a missing one: Jinja2 catches the TypeError.
  if (value instanceof Map) return Array.isArray(key) || key instanceof Map ? undefined : dictGet(value, key, limit)
  const index = typeof key === 'boolean' ? Number(key) : key
  if (typeof index !== 'number') return undefined
  const items = sequenceOf(value)
  return items?.[index < 0 ? items.length + index : index]
}

/** The items of what has an order: characters, in the case of a text. */
export function sequenceOf(value: Value): ArrayLike<Value> | undefined {
  if (Array.isArray(value)) return value
  if (value instanceof Tuple) return value.items
  if (typeof value === 'string') return characters(value)
  if (value instanceof Markup) return characters(value.text)
  return value instanceof NativeObject ? value.sequence?.() : undefined
}

/** `start:stop:step` between brackets; None where a part was left out. */
export class Slice {
  readonly start: Value
  readonly stop: Value
  readonly step: Value

  constructor(start: Value, stop: Value, step: Value) {
    this.start = start
    this.stop = stop
    this.step = step
  }
}

/** The part of a string, list or tuple that a slice names. */
function sliceOf(value: Value, slice: Slice, limit: StepLimit | undefined): Value {
  if (value instanceof Undefined) throw value.fault()
  const items = sequenceOf(value)
  if (items === undefined) {
    const what = value instanceof Map ? "unhashable type: 'slice'" : `'${typeName(value)}' object is not subscriptable`
    throw new TemplateFault('TypeError', what)
  }
  const { first, last, count, stride } = spanOf(slice, items.length)
  if (value instanceof Range) return value.slice(first, last, stride)
  limit?.spend(count)
  const picked = Array.from({ length: count }, (_, position) => items[first + position * stride] as Value)
  if (Array.isArray(value)) return picked
  if (value instanceof Tuple) return new Tuple(picked)
  const text = (picked as string[]).join('')
  return value instanceof Markup ? new Markup(text) : text
}

interface Span {
  readonly first: number
  readonly last: number
  readonly count: number
  readonly stride: number
}

function spanOf({ start, stop, step }: Slice, length: number): Span {
  const stride = bound(step) ?? 1
  if (stride === 0) throw new TemplateFault('ValueError', 'slice step cannot be zero')
  const [lowest, highest] = stride > 0 ? [0, length] : [-1, length - 1]
  const clamp = (index: number): number => Math.max(lowest, Math.min(highest, index < 0 ? index + length : index))
  const first = clampOr(bound(start), clamp, stride > 0 ? lowest : highest)
  const last = clampOr(bound(stop), clamp, stride > 0 ? highest : lowest)
  return { first, last, stride, count: Math.max(0, Math.ceil((last - first) / stride)) }
}

function clampOr(index: number | undefined, clamp: (index: number) => number, otherwise: number): number {
  return index === undefined ? otherwise : clamp(index)
}

function bound(value: Value): number | undefined {
  if (value === NONE) return undefined
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return Number(value)
  throw new TemplateFault('TypeError', 'slice indices must be integers or None or have an __index__ method')
}

/** `value.name`: an attribute or a method, else the item of that name. */
export function getAttribute(value: Value, name: string): Value {
  const attribute = ownAttribute(value, name)
  if (attribute !== undefined) return attribute
  if (value instanceof Map) {
    const item = dictGet(value, name)
    if (item !== undefined) return item
  }
  return missing(value, name)
}

/** `value[key]`: an item, else the attribute of that name. */
export function getItem(value: Value, key: Value | Slice, limit?: StepLimit): Value {
  if (key instanceof Slice) return sliceOf(value, key, limit)
  const item = itemAt(value, key, limit)
  if (item !== undefined) return item
  const attribute = typeof key === 'string' ? ownAttribute(value, key) : undefined
  return attribute ?? missing(value, key)
}

/** What `value.name(…)` calls; undefined when `name` is no method, but perhaps an item that can be called. */
export function findMethod(value: Value, name: string): NativeFunction | undefined {
  return methodOf(value)?.get(name)
}

/** An attribute in Python's sense, without a look at the items. */
export function ownAttribute(value: Value, name: string): Value | undefined {
  if (value instanceof NativeObject) return value.attribute(name)
  if (value instanceof Undefined) throw value.fault()
  if (value instanceof Tuple && value.names.includes(name)) return value.items[value.names.indexOf(name)]
  const ofNumber = numberAttribute(value, name)
  if (ofNumber !== undefined) return ofNumber
  const method = findMethod(value, name)
  return method === undefined ? undefined : bindMethod(value, name, method)
}

function missing(value: Value, key: Value): Value {
  if (value instanceof Undefined) throw value.fault()
  const owner = describeOwner(value)
  if (typeof key === 'string') return new Undefined(() => `'${owner}' has no attribute ${repr(key)}`)
  return new Undefined(() => `${owner} has no element ${repr(key)}`)
}

export type Getter = (item: Value) => Value

/**
 * What `attribute=` of a filter picks: nothing (the item itself), an index, or
 * a dotted path in which digits are indices.
 *
 * @param fallback stands in for what is undefined on the way
 */
export function attributeGetter(attribute: Value | undefined, fallback?: Value): Getter {
  const parts = attributeParts(attribute)
  return (item) => {
    let value = item
    for (const part of parts) {
      value = getItem(value, part)
      if (value instanceof Undefined && fallback !== undefined && fallback !== NONE) value = fallback
    }
    return value
  }
}

/** Several attributes with commas between them, as `sort` takes them. */
export function attributesGetter(attributes: Value | undefined, caseSensitive: boolean): (item: Value) => Value[] {
  const names = typeof attributes === 'string' ? attributes.split(',') : [attributes]
  const getters = names.map((name) => folding(attributeGetter(name), caseSensitive))
  return (item) => getters.map((getter) => getter(item))
}

/** Makes texts equal that differ in case alone. */
export function folding(getter: Getter, caseSensitive: boolean): Getter {
  return caseSensitive ? getter : (item) => ignoreCase(getter(item))
}

function ignoreCase(value: Value): Value {
  if (value instanceof UntrustedText) return value.changed((text) => text.toLowerCase())
  return typeof value === 'string' || value instanceof Markup ? toText(value).toLowerCase() : value
}

function attributeParts(attribute: Value | undefined): Value[] {
  if (attribute === undefined || attribute === NONE) return []
  if (typeof attribute !== 'string') return [attribute]
  return attribute.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}
