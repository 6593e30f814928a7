import { dictHas } from './dict.ts'
import { equals } from './equality.ts'
import { itemsOf } from './iterate.ts'
import type { Runtime } from '../runtime.ts'
import { TemplateFault } from '../template-fault.ts'
import { typeName } from './type-name.ts'
import { isIterable } from './iterate.ts'
import { Markup, NativeObject, type Value } from './value.ts'

/** Python's `item in container`. */
export function contains(container: Value, item: Value, runtime: Runtime): boolean {
  if (typeof container === 'string') return containsText(container, item, runtime)
  if (container instanceof Markup) return containsText(container.text, item, runtime)
  if (container instanceof Map) return dictHas(container, item, runtime)
  if (container instanceof NativeObject && container.contains !== undefined) return container.contains(item)
  if (!isIterable(container)) {
    throw new TemplateFault('TypeError', `argument of type '${typeName(container)}' is not iterable`)
  }
  return itemsOf(container, runtime).some((own) => equals(own, item, runtime))
}

function containsText(text: string, item: Value, runtime: Runtime): boolean {
  runtime.allowLength(text.length)
  if (typeof item === 'string') return text.includes(item)
  if (item instanceof Markup) return text.includes(item.text)
  throw new TemplateFault('TypeError', `'in <string>' requires string as left operand, not ${typeName(item)}`)
}
