import { PartCounter, type Effort } from '../effort.ts'
import { isNumeric, type Numeric } from './numbers.ts'
import { Undefined } from './undefined.ts'
import { Float, Markup, Tuple, type Dict, type Value } from './value.ts'

/** Python's ==, which compares by content and across the kinds of number. */
export function equals(a: Value, b: Value, effort: Effort = new PartCounter()): boolean {
  if (typeof a !== 'string' && a === b) return true
  if (typeof a === 'string' && typeof b === 'string') return equalLongTexts(a, b, effort)
  return isNumeric(a) ? isNumeric(b) && equalNumbers(a, b) : equalObjects(a, b, effort)
}

/** Characters that are compared for one step. */
const CHARACTERS_PER_STEP = 256

function equalLongTexts(a: string, b: string, effort: Effort): boolean {
  if (a.length !== b.length) return false
  if (a.length > CHARACTERS_PER_STEP) effort.spend(a.length / CHARACTERS_PER_STEP)
  return a === b
}

function equalObjects(a: Value, b: Value, effort: Effort): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && equalItems(a, b, effort)
  if (a instanceof Map) return b instanceof Map && equalDicts(a, b, effort)
  if (a instanceof Tuple) return b instanceof Tuple && equalItems(a.items, b.items, effort)
  if (a instanceof Undefined) return b instanceof Undefined
  return (a instanceof Markup || b instanceof Markup) && equalTexts(a, b)
}

function equalTexts(a: Value, b: Value): boolean {
  const left = a instanceof Markup ? a.text : a
  return typeof left === 'string' && left === (b instanceof Markup ? b.text : b)
}

function equalNumbers(a: Numeric, b: Numeric): boolean {
  const left = comparable(a)
  const right = comparable(b)
  // Loosely, as JavaScript compares a bigint with a number by their exact values.
  return left == right
}

function equalItems(a: readonly Value[], b: readonly Value[], effort: Effort): boolean {
  effort.spend(a.length)
  return a.length === b.length && a.every((item, index) => equals(item, b[index] as Value, effort))
}

function equalDicts(a: Dict, b: Dict, effort: Effort): boolean {
  effort.spend(a.size)
  if (a.size !== b.size) return false
  for (const [key, value] of a) {
    const other = b.get(key)
    if (other === undefined || !equals(value, other, effort)) return false
  }
  return true
}

/** A number that JavaScript's own operators compare exactly. */
export function comparable(value: Numeric): number | bigint {
  if (typeof value === 'boolean') return value ? 1 : 0
  return value instanceof Float ? value.value : value
}
