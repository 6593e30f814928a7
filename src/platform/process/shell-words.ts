import { KontrolError } from '../../errors.ts'

/** What is quoted in a piece of a word, in all grammars of a shell. */
export const QUOTED = String.raw`'(?<single>[^']*)'|"(?<double>(?:[^"\\]|\\[^])*)"|\\(?<escaped>[^])`

const PIECE = new RegExp(String.raw`(?<space>\s+)|${QUOTED}|(?<plain>[^\s'"\\]+)`, 'y')

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
  const words = new WordList()
  for (const { space, single, double, escaped, plain } of pieces(text, PIECE, (at) => unfinished(text, at))) {
    if (space === undefined) words.append(single ?? double?.replace(/\\(["\\])/g, '$1') ?? escaped ?? plain ?? '')
    else words.endWord()
  }
  return words.take()
}

/** Collects pieces to words: pieces that touch are one word, and an empty pair of quotes is one too. */
export class WordList {
  #words: string[] = []
  #word: string | undefined

  append(piece: string): void {
    this.#word = (this.#word ?? '') + piece
  }

  endWord(): void {
    if (this.#word !== undefined) this.#words.push(this.#word)
    this.#word = undefined
  }

  /** The words so far; begins anew. */
  take(): string[] {
    this.endWord()
    const words = this.#words
    this.#words = []
    return words
  }
}

/**
 * The pieces of a text, from front to back, as the named groups of a sticky expression.
 *
 * @param refusal what to throw where the expression matches nothing
 */
export function* pieces(
  text: string,
  expression: RegExp,
  refusal: (at: number) => KontrolError
): Generator<Record<string, string | undefined>> {
  const piece = new RegExp(expression)
  while (piece.lastIndex < text.length) {
    const at = piece.lastIndex
    const groups = piece.exec(text)?.groups
    if (groups === undefined) throw refusal(at)
    yield groups
  }
}

function unfinished(text: string, at: number): KontrolError {
  const what = text[at] === '\\' ? 'ends in a backslash' : `has a quote that is not closed, at character ${at + 1}`
  return new KontrolError('KTL_USAGE', `The command ${what}: ${text}`, { hint: 'Close the quote, or escape it by \\.' })
}
