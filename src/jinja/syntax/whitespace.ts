/** What Python's str.isspace() accepts, as the inside of a character class; JavaScript's \s differs in six characters. */
export const PYTHON_SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'

const TRAILING = new RegExp(`[${PYTHON_SPACE}]`)

/** Python's rstrip(), character by character as a backtracking pattern would take quadratic time. */
export function stripEnd(text: string, strips: (char: string) => boolean = isSpace): string {
  let end = text.length
  while (end > 0 && strips(text.charAt(end - 1))) end--
  return text.slice(0, end)
}

/** Python's lstrip(). */
export function stripStart(text: string, strips: (char: string) => boolean = isSpace): string {
  let start = 0
  while (start < text.length && strips(text.charAt(start))) start++
  return text.slice(start)
}

export function isSpace(char: string): boolean {
  return TRAILING.test(char)
}
