import type { Effort } from '../effort.ts'
import { TemplateFault } from '../template-fault.ts'
import { sequenceOf } from './subscript.ts'
import { typeName } from './type-name.ts'
import { Undefined } from './undefined.ts'
import { Markup, Tuple, type Value } from './value.ts'

/** `start:stop:step` between brackets; null where a part was left out. */
export class Slice {
  readonly start: Value
  readonly stop: Value
  readonly step: Value

  constructor(start: Value, stop: Value, step: Value) {
    this.start = start
    this.stop = stop
    this.step = step
  }
}

/** The part of a string, list or tuple that a slice names. */
export function sliceOf(value: Value, slice: Slice, effort: Effort | undefined): Value {
  if (value instanceof Undefined) throw value.fault()
  const items = sequenceOf(value)
  if (items === undefined) {
    const what = value instanceof Map ? "unhashable type: 'slice'" : `'${typeName(value)}' object is not subscriptable`
    throw new TemplateFault('TypeError', what)
  }
  const { first, count, stride } = spanOf(slice, items.length)
  effort?.spend(count)
  const picked = Array.from({ length: count }, (_, position) => items[first + position * stride] as Value)
  if (Array.isArray(value)) return picked
  if (value instanceof Tuple) return new Tuple(picked)
  const text = (picked as string[]).join('')
  return value instanceof Markup ? new Markup(text) : text
}

interface Span {
  readonly first: number
  readonly count: number
  readonly stride: number
}

function spanOf({ start, stop, step }: Slice, length: number): Span {
  const stride = bound(step) ?? 1
  if (stride === 0) throw new TemplateFault('ValueError', 'slice step cannot be zero')
  const [lowest, highest] = stride > 0 ? [0, length] : [-1, length - 1]
  const clamp = (index: number): number => Math.max(lowest, Math.min(highest, index < 0 ? index + length : index))
  const first = clampOr(bound(start), clamp, stride > 0 ? lowest : highest)
  const last = clampOr(bound(stop), clamp, stride > 0 ? highest : lowest)
  return { first, stride, count: Math.max(0, Math.ceil((last - first) / stride)) }
}

function clampOr(index: number | undefined, clamp: (index: number) => number, otherwise: number): number {
  return index === undefined ? otherwise : clamp(index)
}

function bound(value: Value): number | undefined {
  if (value === null) return undefined
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return Number(value)
  throw new TemplateFault('TypeError', 'slice indices must be integers or None or have an __index__ method')
}
