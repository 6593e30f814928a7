// What a text takes in a terminal: letters of East Asia and most emoji take two columns, marks that are set on the letter before them none.

/**
 * Those that Unicode calls wide or fullwidth, by their blocks: JavaScript has no property of that name. A block that has
 * narrow ones too counts as wide: a line that is too short does no harm.
 */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
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

const characterWidth = (character: string): number => (WIDE.test(character) ? 2 : MARK.test(character) ? 0 : 1)

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
