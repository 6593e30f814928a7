/** Python counts characters, JavaScript UTF-16 units: they differ where surrogates occur. */
const SURROGATE = /[\ud800-\udfff]/

/** Length in characters. */
export function characterCount(text: string): number {
  if (!SURROGATE.test(text)) return text.length
  return Array.from(text).length
}

/** The characters, to index and slice by: the string itself where each is one unit. */
export function characters(text: string): string | readonly string[] {
  return SURROGATE.test(text) ? Array.from(text) : text
}

/** Negative, zero or positive, in the order of code points. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : 1
  const left = Array.from(a, (char) => char.codePointAt(0) ?? 0)
  const right = Array.from(b, (char) => char.codePointAt(0) ?? 0)
  const differs = left.findIndex((codePoint, index) => codePoint !== right[index])
  if (differs === -1) return -1
  return differs >= right.length ? 1 : (left[differs] ?? 0) - (right[differs] ?? 0)
}
