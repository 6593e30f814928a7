import { JsonNumber, membersOf } from './json.ts'

/**
 * JSON as Kontrol writes it, byte for byte: keys sorted, ", " and ": " between
 * the parts, everything beyond ASCII escaped. Callbacks compare such texts, and
 * some shells handle nothing but ASCII.
 *
 * @example toKontrolJson({ b: [1, 'é'], a: null }) // {"a": null, "b": [1, "\u00e9"]}
 */
export function toKontrolJson(value: unknown): string {
  if (value instanceof JsonNumber) return value.text
  if (Array.isArray(value)) return `[${value.map(toKontrolJson).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const members = membersOf(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${quote(key)}: ${toKontrolJson(member)}`)
    return `{${members.join(', ')}}`
  }
  return typeof value === 'string' ? quote(value) : JSON.stringify(value ?? null)
}

/** Works on UTF-16 units, so that a character beyond the basic plane becomes a surrogate pair, as JSON wants it. */
function quote(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
