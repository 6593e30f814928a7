import { normalizeInt } from './numbers.ts'
import { Float, NONE, type Value } from './value.ts'

/** A number as it was written, which no plain JavaScript number is equal to. */
interface WrittenNumber {
  readonly text: string
  /** Python would make an int of it. */
  readonly isInt: boolean
}

type IsWritten = (object: object) => object is WrittenNumber

/**
 * Makes a template's value of plain data: strings, booleans, numbers, null,
 * arrays, Maps, and objects with their own enumerable properties. A number is
 * an int when it is whole. Everything is copied, so no template can change it.
 *
 * @param isWritten tells the objects that stand for a number, of which it makes what Python would
 */
export function fromData(data: unknown, isWritten?: IsWritten): Value {
  if (data === null || data === undefined) return NONE
  if (typeof data === 'string' || typeof data === 'boolean' || typeof data === 'bigint') return data
  if (typeof data === 'number') return Number.isSafeInteger(data) ? data : new Float(data)
  return typeof data === 'object' ? fromObject(data, isWritten) : NONE
}

function fromObject(data: object, isWritten?: IsWritten): Value {
  if (Array.isArray(data)) return data.map((item) => fromData(item, isWritten))
  if (isWritten?.(data) === true) return data.isInt ? normalizeInt(BigInt(data.text)) : new Float(Number(data.text))
  const members: Iterable<[unknown, unknown]> = data instanceof Map ? data : Object.entries(data)
  return new Map(Array.from(members, ([key, value]) => [fromData(key, isWritten), fromData(value, isWritten)]))
}
