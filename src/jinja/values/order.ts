import { compareText } from './code-points.ts'
import type { Effort } from '../effort.ts'
import { comparable, equals } from './equality.ts'
import { isNumeric } from './numbers.ts'
import { TemplateFault } from '../template-fault.ts'
import { typeName } from './type-name.ts'
import { Undefined } from './undefined.ts'
import { Markup, Tuple, type Value } from './value.ts'

/** Characters that are compared for one step. */
const CHARACTERS_PER_STEP = 256

type Ordering = '<' | '<=' | '>' | '>='

/**
 * Negative, zero or positive; NaN when one of them is not a number.
 *
 * @throws TemplateFault TypeError when Python would not order the two
 */
export function compare(a: Value, b: Value, operator: Ordering, effort: Effort): number {
  if (typeof a === 'string' && typeof b === 'string') {
    effort.spend((a.length + b.length) / CHARACTERS_PER_STEP)
    return compareText(a, b)
  }
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(comparable(a), comparable(b))
  return compareObjects(a, b, operator, effort)
}

function compareObjects(a: Value, b: Value, operator: Ordering, effort: Effort): number {
  const left = itemsOf(a)
  const right = itemsOf(b)
  if (left !== undefined && right !== undefined && Array.isArray(a) === Array.isArray(b)) {
    return compareItems(left, right, operator, effort)
  }
  if (a instanceof Markup || b instanceof Markup) return compare(plain(a), plain(b), operator, effort)
  for (const side of [a, b]) if (side instanceof Undefined) throw side.fault()
  throw new TemplateFault(
    'TypeError',
    `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`
  )
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

function compareItems(a: readonly Value[], b: readonly Value[], operator: Ordering, effort: Effort): number {
  const length = Math.min(a.length, b.length)
  effort.spend(length)
  for (let index = 0; index < length; index++) {
    const [left, right] = [a[index] as Value, b[index] as Value]
    if (!equals(left, right, effort)) return compare(left, right, operator, effort)
  }
  return a.length - b.length
}
