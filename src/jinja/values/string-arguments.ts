import { characters } from './code-points.ts'
import { TemplateFault } from '../template-fault.ts'
import { typeName } from './type-name.ts'
import { Markup, type Value } from './value.ts'

/** An argument that must be a string. */
export function asText(value: Value | undefined): string {
  if (typeof value === 'string') return value
  if (value instanceof Markup) return value.text
  throw new TemplateFault('TypeError', `expected a string, not '${typeName(value ?? null)}'`)
}

export function asTextOr<T>(value: Value | undefined, otherwise: T): string | T {
  return value === undefined || value === null ? otherwise : asText(value)
}

/** An argument that must be an int. */
export function asInt(value: Value | undefined): number {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return Number(value)
  throw new TemplateFault('TypeError', `'${typeName(value ?? null)}' object cannot be interpreted as an integer`)
}

export function asIntOr(value: Value | undefined, otherwise: number): number {
  return value === undefined || value === null ? otherwise : asInt(value)
}

/** The part of a text between two optional indices (in characters, negative ones from the end), and where it begins. */
export function textBetween(text: string, start?: Value, end?: Value): { part: string; offset: number } {
  const all = characters(text)
  const offset = fromEnd(asIntOr(start, 0), all.length)
  const part = all.slice(offset, fromEnd(asIntOr(end, all.length), all.length))
  // An offset past the end finds nothing, not even the empty string.
  return { part: typeof part === 'string' ? part : part.join(''), offset }
}

function fromEnd(index: number, length: number): number {
  return index < 0 ? Math.max(0, index + length) : index
}
