import { Float, Iterator, Markup, NativeObject, Tuple, type Value } from './value.ts'
import { Undefined } from './undefined.ts'

/** Python's name of a value's type, for messages. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType'
  if (typeof value === 'string') return 'str'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'object' ? objectTypeName(value) : 'int'
}

function objectTypeName(value: object): string {
  if (Array.isArray(value)) return 'list'
  if (value instanceof Map) return 'dict'
  if (value instanceof Float) return 'float'
  if (value instanceof Tuple) return 'tuple'
  if (value instanceof Markup) return 'Markup'
  if (value instanceof Undefined) return 'Undefined'
  if (value instanceof Iterator || value instanceof NativeObject) return value.typeName
  return 'object'
}

/** How Jinja2's messages call the owner of a missing attribute. */
export function describeOwner(value: Value): string {
  return value === null ? 'None' : `${typeName(value)} object`
}
