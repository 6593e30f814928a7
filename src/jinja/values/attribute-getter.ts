import { getItem } from './attributes.ts'
import { toText } from './print.ts'
import { Undefined } from './undefined.ts'
import { Markup, type Value } from './value.ts'

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
      if (value instanceof Undefined && fallback !== undefined && fallback !== null) value = fallback
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
  return typeof value === 'string' || value instanceof Markup ? toText(value).toLowerCase() : value
}

function attributeParts(attribute: Value | undefined): Value[] {
  if (attribute === undefined || attribute === null) return []
  if (typeof attribute !== 'string') return [attribute]
  return attribute.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}
