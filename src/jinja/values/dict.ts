import { PartCounter, type Effort } from '../effort.ts'
import { comparable, equals } from './equality.ts'
import { isNumeric } from './numbers.ts'
import { TemplateFault } from '../template-fault.ts'
import { typeName } from './type-name.ts'
import { Float, Tuple, type Dict, type Value } from './value.ts'

/**
 * Finds the key under which a dict holds a value. Strings and ints are their
 * own keys; 1, 1.0 and True are one key in Python, and tuples are equal by content.
 *
 * @throws TemplateFault TypeError for what cannot be a key
 */
function keyIn(dict: ReadonlyMap<Value, Value>, key: Value, effort: Effort | undefined): Value {
  if (typeof key === 'string' || dict.has(key)) return key
  if (Array.isArray(key) || key instanceof Map) {
    throw new TemplateFault('TypeError', `unhashable type: '${typeName(key)}'`)
  }
  return isNumeric(key) || key instanceof Tuple ? equalKeyIn(dict, key, effort) : key
}

function equalKeyIn(dict: ReadonlyMap<Value, Value>, key: Value, effort: Effort = new PartCounter()): Value {
  const wanted = key instanceof Float ? comparable(key) : key
  if (dict.has(wanted)) return wanted
  effort.spend(dict.size)
  for (const candidate of dict.keys())
    if (typeof candidate !== 'string' && equals(candidate, key, effort)) return candidate
  return key
}

export function dictGet(dict: ReadonlyMap<Value, Value>, key: Value, effort?: Effort): Value | undefined {
  return dict.get(keyIn(dict, key, effort))
}

export function dictHas(dict: ReadonlyMap<Value, Value>, key: Value, effort?: Effort): boolean {
  return dict.has(keyIn(dict, key, effort))
}

export function dictSet(dict: Dict, key: Value, value: Value, effort?: Effort): void {
  dict.set(keyIn(dict, key, effort), value)
}

export function dictDelete(dict: Dict, key: Value, effort?: Effort): void {
  dict.delete(keyIn(dict, key, effort))
}
