import { eastAsianWidth } from 'get-east-asian-width'

// What a text takes in a terminal: letters of East Asia and most emoji take two columns, marks that are set on the letter before them none.

const MARK = /[\p{Mn}\p{Me}]/u
const PLAIN = /^[ -~]*$/

const ELLIPSIS = '…'

/** In columns. */
export function textWidth(text: string): number {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

const characterWidth = (character: string): number =>
  MARK.test(character) ? 0 : eastAsianWidth(character.codePointAt(0) ?? 0)

/** As much of the beginning as fits, with a sign that there is more. */
export function cutEnd(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  return `${beginning(text, width - 1)}${ELLIPSIS}`
}

/** Beginning and end as they fit: names that a machine makes differ at their ends. */
export function cutMiddle(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  const kept = Math.max(0, width - 1)
  const end = ending(text, Math.floor(kept / 2))
  return `${beginning(text, kept - textWidth(end))}${ELLIPSIS}${end}`
}

/** To that width with blanks behind it. */
export const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - textWidth(text)))

function beginning(text: string, width: number): string {
  let [kept, left] = ['', width]
  for (const character of text) {
    left -= characterWidth(character)
    if (left < 0) break
    kept += character
  }
  return kept
}

function ending(text: string, width: number): string {
  let [kept, left] = ['', width]
  for (const character of [...text].reverse()) {
    left -= characterWidth(character)
    if (left < 0) break
    kept = character + kept
  }
  return kept
}
