import { bindMethod, methodOf } from './methods.ts'
import { dictGet } from './dict.ts'
import type { Effort } from '../effort.ts'
import type { NativeFunction } from '../compile/library.ts'
import { repr } from './print.ts'
import { sliceOf, Slice } from './slice.ts'
import { itemAt } from './subscript.ts'
import { describeOwner } from './type-name.ts'
import { Undefined } from './undefined.ts'
import { NativeObject, Tuple, type Value } from './value.ts'

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
export function getItem(value: Value, key: Value | Slice, effort?: Effort): Value {
  if (key instanceof Slice) return sliceOf(value, key, effort)
  const item = itemAt(value, key, effort)
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
  if (value instanceof Undefined) throw value.fault()
  if (value instanceof NativeObject) return value.attribute(name)
  if (value instanceof Tuple && value.names.includes(name)) return value.items[value.names.indexOf(name)]
  const method = findMethod(value, name)
  return method === undefined ? undefined : bindMethod(value, name, method)
}

function missing(value: Value, key: Value): Value {
  if (value instanceof Undefined) throw value.fault()
  const owner = describeOwner(value)
  if (typeof key === 'string') return new Undefined(() => `'${owner}' has no attribute ${repr(key)}`)
  return new Undefined(() => `${owner} has no element ${repr(key)}`)
}
