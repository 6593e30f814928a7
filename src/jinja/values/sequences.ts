import { TemplateFault } from '../template-fault.ts'
import { dictHas, equals } from './comparison.ts'
import { escapeHtml } from './print.ts'
import { characterCount } from './text/characters.ts'
import { UntrustedText } from './untrusted-text.ts'
import {
  Float,
  Iterator,
  Markup,
  NONE,
  NativeObject,
  Tuple,
  Undefined,
  typeName,
  type Runtime,
  type Value
} from './value.ts'

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
  if (typeof value !== 'object' || value === NONE) return typeof value === 'string'
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

/** Items of a list that are compared for one step: a template that collects what it has not seen yet looks often. */
const COMPARED_ITEMS_PER_STEP = 32

/** Items of a list that are copied as a whole for one step, up to a length at which memory matters more than time. */
const COPIED_ITEMS_PER_STEP = 24
const CHEAP_LENGTH = 65_536

/** To be called before a list of that length is copied as a whole. */
export function spendOnCopy(length: number, runtime: Runtime): void {
  runtime.allowItems(length)
  runtime.spend(length > CHEAP_LENGTH ? length : length / COPIED_ITEMS_PER_STEP)
}

/** Python's `item in container`. */
export function contains(container: Value, item: Value, runtime: Runtime): boolean {
  if (typeof container === 'string') return containsText(container, item, runtime)
  if (container instanceof Markup) return containsText(container.text, item, runtime)
  if (container instanceof Map) return dictHas(container, item, runtime)
  if (container instanceof UntrustedText) return container.ask((text) => containsText(text, item, runtime))
  if (container instanceof NativeObject && container.contains !== undefined) return container.contains(item)
  if (!isIterable(container)) {
    throw new TemplateFault('TypeError', `argument of type '${typeName(container)}' is not iterable`)
  }
  if (Array.isArray(container)) {
    runtime.spend(container.length / COMPARED_ITEMS_PER_STEP)
    return container.some((own) => equals(own, item, runtime))
  }
  return itemsOf(container, runtime).some((own) => equals(own, item, runtime))
}

/** Comparisons of characters for a step: a search for a long text may make one for each pair. */
const SEARCHED_PAIRS_PER_STEP = 1024
const SHORT_NEEDLE = 64

/** To be called before a text is looked for in another. */
export function spendOnSearch(text: string, needle: string, runtime: Runtime): void {
  if (needle.length > SHORT_NEEDLE && needle.length <= text.length)
    runtime.spend(((text.length - needle.length + 1) * needle.length) / SEARCHED_PAIRS_PER_STEP)
}

function containsText(text: string, item: Value, runtime: Runtime): boolean {
  runtime.allowLength(text.length)
  const part = item instanceof Markup ? item.text : item
  if (typeof part === 'string') {
    spendOnSearch(text, part, runtime)
    return text.includes(part)
  }
  if (item instanceof UntrustedText) return item.ask((part) => text.includes(part))
  throw new TemplateFault('TypeError', `'in <string>' requires string as left operand, not ${typeName(item)}`)
}

/** The `+` of strings, lists and tuples; undefined when neither side has one. */
export function concatenate(a: Value, b: Value, runtime: Runtime): Value | undefined {
  if (typeof a === 'string' && typeof b === 'string') {
    runtime.allowCopy(a.length + b.length)
    return a + b
  }
  if (a instanceof Markup || b instanceof Markup) return concatenateMarkup(a, b, runtime)
  return concatenateItems(a, b, runtime)
}

function concatenateItems(a: Value, b: Value, runtime: Runtime): Value | undefined {
  if (Array.isArray(a) && Array.isArray(b)) {
    spendOnCopy(a.length + b.length, runtime)
    return a.concat(b)
  }
  if (a instanceof Tuple && b instanceof Tuple) {
    spendOnCopy(a.items.length + b.items.length, runtime)
    return new Tuple([...a.items, ...b.items])
  }
  for (const kind of ['str', 'list', 'tuple']) {
    if (typeName(a) === kind) {
      throw new TemplateFault('TypeError', `can only concatenate ${kind} (not "${typeName(b)}") to ${kind}`)
    }
  }
  return undefined
}

/** What is not marked as safe becomes so before it joins what is. */
function concatenateMarkup(a: Value, b: Value, runtime: Runtime): Value | undefined {
  const [left, right] = [safeText(a), safeText(b)]
  if (left === undefined || right === undefined) return undefined
  runtime.allowLength(left.length + right.length)
  return new Markup(left + right)
}

function safeText(value: Value): string | undefined {
  if (value instanceof Markup) return value.text
  return typeof value === 'string' ? escapeHtml(value) : undefined
}

/** The `*` of a string, list or tuple with an int, in either order. */
export function repeat(a: Value, b: Value, runtime: Runtime): Value | undefined {
  const times = [a, b].find((side) => typeof side === 'number' || typeof side === 'boolean')
  if (times === undefined) return undefined
  return repeatTimes(times === a ? b : a, Math.max(0, Number(times)), runtime)
}

function repeatTimes(value: Value, times: number, runtime: Runtime): Value | undefined {
  if (typeof value === 'string') {
    runtime.allowLength(value.length * times)
    return value.repeat(times)
  }
  if (value instanceof Markup) return new Markup(repeatTimes(value.text, times, runtime) as string)
  const items = value instanceof Tuple ? value.items : value
  if (!Array.isArray(items)) return undefined
  runtime.spend(items.length * times)
  const repeated = Array.from({ length: times }, () => items as readonly Value[]).flat()
  return value instanceof Tuple ? new Tuple(repeated) : repeated
}
