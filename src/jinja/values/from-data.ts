import { Float, NONE, type Value } from './value.ts'

/**
 * Makes a template's value of plain data: strings, booleans, numbers, null,
 * arrays, Maps, and objects with their own enumerable properties. A number is
 * an int when it is whole. Everything is copied, so no template can change it.
 */
export function fromData(data: unknown): Value {
  if (data === null || data === undefined) return NONE
  if (typeof data === 'string' || typeof data === 'boolean' || typeof data === 'bigint') return data
  if (typeof data === 'number') return Number.isSafeInteger(data) ? data : new Float(data)
  return fromObject(data)
}

function fromObject(data: unknown): Value {
  if (Array.isArray(data)) return data.map(fromData)
  if (data instanceof Map) return new Map(Array.from(data, ([key, value]) => [fromData(key), fromData(value)]))
  if (typeof data !== 'object' || data === null) return NONE
  return new Map(Object.entries(data).map(([key, value]): [Value, Value] => [key, fromData(value)]))
}
