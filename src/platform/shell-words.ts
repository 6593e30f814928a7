import { KontrolError } from '../errors.ts'

/**
 * Splits a command line into words as a POSIX shell, and Python's
 * shlex.split, would: no variables, no patterns, no operators.
 *
 *     'it''s'       its            nothing is special between single quotes
 *     "a \"b\" \c"  a "b" \c       a backslash between double quotes escapes only \ and "
 *     a\ b          a b            outside of quotes it escapes anything
 *
 * @throws KontrolError KTL_USAGE for a quote that is not closed or a backslash at the end
 */
export function splitShellWords(text: string): string[] {
  const words: string[] = []
  let word: string | undefined
  for (const { space, content } of pieces(text)) {
    if (!space) word = (word ?? '') + content
    else if (word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  return word === undefined ? words : [...words, word]
}

/** White space, or a part of a word without its quotes; parts that touch are one word. */
function* pieces(text: string): Generator<{ space: boolean; content: string }> {
  const piece = /'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])|([^\s'"\\]+)|\s+/y
  while (piece.lastIndex < text.length) {
    const at = piece.lastIndex
    const match = piece.exec(text)
    if (match === null) throw unfinished(text, at)
    const [, single, double, escaped, plain] = match
    const content = single ?? double?.replace(/\\(["\\])/g, '$1') ?? escaped ?? plain
    yield { space: content === undefined, content: content ?? '' }
  }
}

function unfinished(text: string, at: number): KontrolError {
  const what = text[at] === '\\' ? 'ends in a backslash' : `has a quote that is not closed, at character ${at + 1}`
  return new KontrolError('KTL_USAGE', `The command ${what}: ${text}`, { hint: 'Close the quote, or escape it by \\.' })
}
