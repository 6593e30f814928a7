import { PartLimit, type StepLimit } from '../limits.ts'
import { TemplateFault } from '../template-fault.ts'
import { isNumeric } from './numbers.ts'
import { comparable, equals } from './order.ts'
import { Float, Tuple, typeName, type Dict, type Value } from './value.ts'

/**
 * Finds the key under which a dict holds a value. Strings and ints are their
 * own keys; 1, 1.0 and True are one key in Python, and tuples are equal by content.
 *
 * @throws TemplateFault TypeError for what cannot be a key
 */
function keyIn(dict: ReadonlyMap<Value, Value>, key: Value, limit: StepLimit | undefined): Value {
  if (typeof key === 'string' || dict.has(key)) return key
  if (Array.isArray(key) || key instanceof Map) {
    throw new TemplateFault('TypeError', `unhashable type: '${typeName(key)}'`)
  }
  return isNumeric(key) || key instanceof Tuple ? equalKeyIn(dict, key, limit) : key
}

function equalKeyIn(dict: ReadonlyMap<Value, Value>, key: Value, limit: StepLimit = new PartLimit()): Value {
  const wanted = key instanceof Float ? comparable(key) : key
  if (dict.has(wanted)) return wanted
  limit.spend(dict.size)
  for (const candidate of dict.keys())
    if (typeof candidate !== 'string' && equals(candidate, key, limit)) return candidate
  return key
}

export function dictGet(dict: ReadonlyMap<Value, Value>, key: Value, limit?: StepLimit): Value | undefined {
  return dict.get(keyIn(dict, key, limit))
}

export function dictHas(dict: ReadonlyMap<Value, Value>, key: Value, limit?: StepLimit): boolean {
  return dict.has(keyIn(dict, key, limit))
}

export function dictSet(dict: Dict, key: Value, value: Value, limit?: StepLimit): void {
  dict.set(keyIn(dict, key, limit), value)
}

export function dictDelete(dict: Dict, key: Value, limit?: StepLimit): void {
  dict.delete(keyIn(dict, key, limit))
}
