// What pods say of themselves is shown too: nothing of it may be obeyed by the terminal, turn the rest of a line around,
// or hide in it.

const HIDDEN = String.raw`\p{Cf}\p{Zl}\p{Zp}`
const IN_JSON = new RegExp(String.raw`[\x7f-\x9f${HIDDEN}]`, 'gu')
const IN_TEXT = new RegExp(String.raw`(?![\n\t])[\p{Cc}${HIDDEN}]`, 'gu')
const IN_LINE = new RegExp(String.raw`[\p{Cc}${HIDDEN}]+`, 'gu')

/** The same value, with each such character as `\u…`; JSON.stringify does so for those below U+0020 alone. */
export const visibleJson = (json: string): string =>
  json.replace(IN_JSON, (character) =>
    Array.from({ length: character.length }, (_, index) => {
      return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`
    }).join('')
  )

/** Lines, with a blank for each of them. */
export const visibleText = (text: string): string => text.replace(IN_TEXT, ' ')

/** A cell, which a line feed would break as well. */
export const visibleLine = (text: string): string => text.replace(IN_LINE, ' ')
