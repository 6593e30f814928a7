import { comparable, equals } from './equality.ts'
import { isNumeric } from './numbers.ts'
import { TemplateFault } from './template-fault.ts'
import { typeName } from './type-name.ts'
import { Float, Tuple, type Dict, type Value } from './value.ts'

/**
 * Finds the key under which a dict holds a value. Strings and ints are their
 * own keys; 1, 1.0 and True are one key in Python, and tuples are equal by content.
 *
 * @throws TemplateFault TypeError for what cannot be a key
 */
function keyIn(dict: ReadonlyMap<Value, Value>, key: Value): Value {
  if (typeof key === 'string' || dict.has(key)) return key
  if (Array.isArray(key) || key instanceof Map) {
    throw new TemplateFault('TypeError', `unhashable type: '${typeName(key)}'`)
  }
  return isNumeric(key) || key instanceof Tuple ? equalKeyIn(dict, key) : key
}

function equalKeyIn(dict: ReadonlyMap<Value, Value>, key: Value): Value {
  const wanted = key instanceof Float ? comparable(key) : key
  if (dict.has(wanted)) return wanted
  for (const candidate of dict.keys()) if (typeof candidate !== 'string' && equals(candidate, key)) return candidate
  return key
}

export function dictGet(dict: ReadonlyMap<Value, Value>, key: Value): Value | undefined {
  return dict.get(keyIn(dict, key))
}

export function dictHas(dict: ReadonlyMap<Value, Value>, key: Value): boolean {
  return dict.has(keyIn(dict, key))
}

export function dictSet(dict: Dict, key: Value, value: Value): void {
  dict.set(keyIn(dict, key), value)
}

export function dictDelete(dict: Dict, key: Value): void {
  dict.delete(keyIn(dict, key))
}
