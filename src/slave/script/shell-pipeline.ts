import { KontrolError } from '../../errors.ts'
import { pieces, QUOTED, WordList } from '../../platform/process/shell-words.ts'

/**
 * One piece of a command line. What is not in it (`;`, `&`, `<`, `>`,
 * parentheses, back-ticks, patterns, comments, `||`, an open quote) is what
 * only a shell can do. The name of a variable may not go on in the next line.
 */
const PIECE = new RegExp(
  [
    /(?<space>[ \t]+)|(?<joint>\\\n)|(?<pipe>\|(?!\|))/.source,
    QUOTED,
    /\$(?:(?<name>\w+)(?!\w|\\\n)|\{(?<braced>\w+)\})/.source,
    /(?<plain>(?:[^\s'"\\$`|&;<>()*?~#]|(?<=[^\s|])[~#])+)/.source
  ].join('|'),
  'y'
)

/** What is special between double quotes; `$name` is without a group, and thus refused, when its line goes on there. */
const QUOTED_SPECIAL = /\\([$`"\\\n])|\$(?:(\w+)(?!\w|\\\n)|\{(\w+)\}|[({*@#?$!-]|\w+\\\n|\\\n)|`/g

/**
 * Reads a pipeline of simple commands as a POSIX shell would, without being
 * one: quotes, escapes, and the variables given. An expansion outside of quotes
 * is split at white space. Brackets stand for themselves, as no file is looked for.
 *
 * @returns the words of each command
 * @throws KontrolError KTL_FORBIDDEN for anything else
 */
export function parsePipeline(text: string, variables: Readonly<Record<string, string>>): string[][] {
  const commands: string[][] = []
  const words = new WordList()
  const trimmed = text.replace(/^[ \t\n]+|[ \t\n]+$/g, '')
  const refusal = (at: number) => needsShell(`at character ${at + 1}: ${trimmed.slice(at, at + 20)}`)
  for (const piece of pieces(trimmed, PIECE, refusal)) {
    if (piece['space'] !== undefined) words.endWord()
    else if (piece['pipe'] !== undefined) commands.push(words.take())
    else appendPiece(words, piece, variables)
  }
  return [...commands, words.take()]
}

function appendPiece(
  words: WordList,
  { joint, single, double, escaped, name, braced, plain }: Record<string, string | undefined>,
  variables: Readonly<Record<string, string>>
): void {
  const variable = name ?? braced
  if (double !== undefined) words.append(expandQuoted(double, variables))
  else if (variable !== undefined) appendSplit(words, valueOf(variable, variables))
  // A line that goes on in the next is nothing, and not even the end of a word.
  else if (joint === undefined) words.append(single ?? escaped ?? plain ?? '')
}

function appendSplit(words: WordList, expansion: string): void {
  const [first = '', ...others] = expansion.split(/[ \t\n]+/)
  if (first !== '') words.append(first)
  for (const field of others) {
    words.endWord()
    if (field !== '') words.append(field)
  }
}

/** Between double quotes a backslash escapes only what would be special there. */
function expandQuoted(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(QUOTED_SPECIAL, (whole, escaped?: string, name?: string, braced?: string) => {
    if (escaped !== undefined) return escaped === '\n' ? '' : escaped
    const variable = name ?? braced
    if (variable === undefined) throw needsShell(`for ${JSON.stringify(whole)} between double quotes`)
    return valueOf(variable, variables)
  })
}

function valueOf(name: string, variables: Readonly<Record<string, string>>): string {
  const value = Object.hasOwn(variables, name) ? variables[name] : undefined
  if (value === undefined) throw needsShell(`for the variable $${name}`)
  return value
}

function needsShell(where: string): KontrolError {
  return new KontrolError('KTL_FORBIDDEN', `The command needs a shell ${where}`, {
    hint: 'Send "echo <command> | socat -t 60 - <socket>", or set KONTROL_SCRIPT=shell together with KONTROL_TOKEN.'
  })
}
