import { characterCount } from './code-points.ts'
import type { Runtime } from '../runtime.ts'
import { TemplateFault } from '../template-fault.ts'
import { typeName } from './type-name.ts'
import { Undefined } from './undefined.ts'
import { Float, Iterator, Markup, NativeObject, Tuple, type Value } from './value.ts'

/**
 * All values of something that can be looped over, each of them a step. An
 * array is given as it is: who changes the result must copy it.
 *
 * @throws TemplateFault TypeError when it cannot be looped over
 */
export function itemsOf(value: Value, runtime: Runtime): readonly Value[] {
  // A range can be far larger than what there is room for.
  if (value instanceof NativeObject && value.size !== undefined) runtime.spend(value.size())
  const items = directItems(value)
  if (items !== undefined) {
    runtime.spend(items.length)
    return items
  }
  if (value instanceof Iterator) return drain(value, runtime)
  throw new TemplateFault('TypeError', `'${typeName(value)}' object is not iterable`)
}

function directItems(value: Value): readonly Value[] | undefined {
  if (Array.isArray(value)) return value
  if (typeof value === 'string') return Array.from(value)
  if (value instanceof Map) return [...value.keys()]
  if (value instanceof Tuple) return value.items
  if (value instanceof Undefined) return []
  if (value instanceof Markup) return Array.from(value.text)
  if (value instanceof NativeObject && value.values !== undefined) return [...value.values()]
  return undefined
}

function drain(iterator: Iterator, runtime: Runtime): Value[] {
  const items: Value[] = []
  for (let item = iterator.next(); item !== undefined; item = iterator.next()) {
    runtime.spend()
    items.push(item)
  }
  return items
}

export function isIterable(value: Value): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'string'
  return value instanceof NativeObject ? value.values !== undefined : !(value instanceof Float)
}

/** Python's len(), or undefined for what has none. */
export function sizeOf(value: Value): number | undefined {
  if (typeof value === 'string') return characterCount(value)
  if (Array.isArray(value)) return value.length
  if (value instanceof Map) return value.size
  if (value instanceof Tuple) return value.items.length
  if (value instanceof Undefined) return 0
  if (value instanceof Markup) return characterCount(value.text)
  return value instanceof NativeObject && value.size !== undefined ? value.size() : undefined
}
