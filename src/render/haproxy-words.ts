/** What ends a word of HAProxy's configuration or gives it another meaning. */
const SPECIAL = /[\s\p{Cc}"'\\#$]/u

/** Where HAProxy would look for an expression, at the end too: what follows there is not known. */
const EXPRESSION = /%(?:[[({]|$)/

/** Whether a text is one word of HAProxy's configuration, and means itself. */
export function isPlainWord(text: string): boolean {
  return !SPECIAL.test(text) && !EXPRESSION.test(text)
}

/**
 * A text as one word of HAProxy's configuration; undefined where it holds a
 * control character, for which no place is safe: a header would end there.
 *
 * @param logFormat HAProxy reads the word as a log format: its percent signs are doubled
 */
export function quoteWord(text: string, logFormat: boolean): string | undefined {
  if (/\p{Cc}/u.test(text)) return undefined
  const meant = logFormat ? text.replaceAll('%', '%%') : text
  if (meant !== '' && !SPECIAL.test(meant)) return meant
  // Nothing is read between single quotes, and no escape stands for one there.
  return `'${meant.replaceAll("'", String.raw`'\x27'`)}'`
}

/** The same for a text from outside, which may hold an expression only where its percent signs are doubled. */
export function quoteUntrusted(text: string, logFormat: boolean): string | undefined {
  return logFormat || !EXPRESSION.test(text) ? quoteWord(text, logFormat) : undefined
}
