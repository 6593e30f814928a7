/** Python's capitalize: the first character upper, the rest lower. */
export function capitalize(text: string): string {
  const [first = ''] = text
  return titleCharacter(first) + text.slice(first.length).toLowerCase()
}

/** Python's str.title(): each run of letters, so that "they're" becomes "They'Re". */
export function titleCase(text: string): string {
  let inWord = false
  let result = ''
  for (const char of text) {
    result += inWord ? char.toLowerCase() : titleCharacter(char)
    inWord = isCased(char)
  }
  return result
}

export function swapCase(text: string): string {
  return Array.from(text, (char) => (char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase())).join('')
}

/** Letters that stand for two and have a title case of their own, which JavaScript does not know. */
const TITLE_CASE: ReadonlyMap<string, string> = new Map([
  ['Ǆ', 'ǅ'],
  ['Ǉ', 'ǈ'],
  ['Ǌ', 'ǋ'],
  ['Ǳ', 'ǲ']
])

function titleCharacter(char: string): string {
  const upper = char.toUpperCase()
  const title = TITLE_CASE.get(upper)
  if (title !== undefined) return title
  return upper.length > char.length ? upper.charAt(0) + upper.slice(1).toLowerCase() : upper
}

function isCased(char: string): boolean {
  return /[\p{Lu}\p{Ll}\p{Lt}]/u.test(char)
}

/** Python's islower and isupper: some letter has a case, and all that have are of this one. */
export function isInCase(text: string, other: RegExp): boolean {
  return !other.test(text) && /[\p{Lu}\p{Ll}\p{Lt}]/u.test(text)
}

/** Python's istitle: upper case only at the start of words, lower case only inside. */
export function isTitleCase(text: string): boolean {
  let inWord = false
  let found = false
  for (const char of text) {
    if (/[\p{Lu}\p{Lt}]/u.test(char) ? inWord : /\p{Ll}/u.test(char) && !inWord) return false
    inWord = isCased(char)
    found ||= inWord
  }
  return found
}
