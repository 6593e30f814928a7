import { compare } from './order.ts'
import type { Runtime } from '../runtime.ts'
import type { Value } from './value.ts'

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
