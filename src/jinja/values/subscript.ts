import { characters } from './code-points.ts'
import { dictGet } from './dict.ts'
import type { Effort } from '../effort.ts'
import { Markup, NativeObject, Tuple, type Value } from './value.ts'

/** The item under a key or an index; undefined when there is none. */
export function itemAt(value: Value, key: Value, effort?: Effort): Value | undefined {
  // A key that cannot be one is as good as a missing one: Jinja2 catches the TypeError.
  if (value instanceof Map) return Array.isArray(key) || key instanceof Map ? undefined : dictGet(value, key, effort)
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
