import { Undefined } from './undefined.ts'
import { Float, Markup, NativeObject, Tuple, type Value } from './value.ts'

/** Python's bool(). */
export function isTrue(value: Value): boolean {
  if (typeof value !== 'object') return Boolean(value)
  if (value === null || value instanceof Undefined) return false
  if (Array.isArray(value)) return value.length > 0
  if (value instanceof Map) return value.size > 0
  return isTrueObject(value)
}

function isTrueObject(value: object): boolean {
  if (value instanceof Float) return value.value !== 0
  if (value instanceof Markup) return value.text !== ''
  if (value instanceof Tuple) return value.items.length > 0
  if (value instanceof NativeObject && value.size !== undefined) return value.size() > 0
  return true
}
