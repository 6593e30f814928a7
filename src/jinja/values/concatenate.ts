import { escapeHtml } from './escape-html.ts'
import type { Runtime } from '../runtime.ts'
import { TemplateFault } from '../template-fault.ts'
import { typeName } from './type-name.ts'
import { Markup, Tuple, type Value } from './value.ts'

/** The `+` of strings, lists and tuples; undefined when neither side has one. */
export function concatenate(a: Value, b: Value, runtime: Runtime): Value | undefined {
  if (typeof a === 'string' && typeof b === 'string') {
    runtime.allowLength(a.length + b.length)
    return a + b
  }
  if (a instanceof Markup || b instanceof Markup) return concatenateMarkup(a, b, runtime)
  return concatenateItems(a, b, runtime)
}

function concatenateItems(a: Value, b: Value, runtime: Runtime): Value | undefined {
  if (Array.isArray(a) && Array.isArray(b)) {
    runtime.spend(a.length + b.length)
    return [...a, ...b]
  }
  if (a instanceof Tuple && b instanceof Tuple) {
    runtime.spend(a.items.length + b.items.length)
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
