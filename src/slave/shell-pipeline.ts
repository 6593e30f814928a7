import { KontrolError } from '../errors.ts'

type Piece = { kind: 'space' | 'pipe' } | { kind: 'text' | 'expansion'; text: string }

/**
 * One piece of a command line. What is not in it (`;`, `&`, `<`, `>`,
 * parentheses, back-ticks, patterns, comments, `||`, an open quote) is what
 * only a shell can do. The name of a variable may not go on in the next line.
 */
const PIECE =
  /(?<space>[ \t]+)|(?<joint>\\\n)|(?<pipe>\|(?!\|))|'(?<single>[^']*)'|"(?<double>(?:[^"\\]|\\[^])*)"|\\(?<escaped>[^])|\$(?:(?<name>\w+)(?!\w|\\\n)|\{(?<braced>\w+)\})|(?<plain>(?:[^\s'"\\$`|&;<>()*?~#]|(?<=[^\s|])[~#])+)/y

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
  const pipeline = new PipelineBuilder()
  for (const piece of pieces(text.replace(/^[ \t\n]+|[ \t\n]+$/g, ''), variables)) {
    switch (piece.kind) {
      case 'space':
        pipeline.endWord()
        break
      case 'pipe':
        pipeline.endCommand()
        break
      case 'text':
        pipeline.append(piece.text)
        break
      case 'expansion':
        pipeline.appendSplit(piece.text)
        break
    }
  }
  return pipeline.finish()
}

class PipelineBuilder {
  readonly #commands: string[][] = []
  #words: string[] = []
  #word: string | undefined

  append(text: string): void {
    this.#word = (this.#word ?? '') + text
  }

  appendSplit(text: string): void {
    const [first = '', ...others] = text.split(/[ \t\n]+/)
    if (first !== '') this.append(first)
    for (const field of others) {
      this.endWord()
      if (field !== '') this.append(field)
    }
  }

  endWord(): void {
    if (this.#word !== undefined) this.#words.push(this.#word)
    this.#word = undefined
  }

  endCommand(): void {
    this.endWord()
    this.#commands.push(this.#words)
    this.#words = []
  }

  finish(): string[][] {
    this.endCommand()
    return this.#commands
  }
}

function* pieces(text: string, variables: Readonly<Record<string, string>>): Generator<Piece> {
  const piece = new RegExp(PIECE)
  while (piece.lastIndex < text.length) {
    const at = piece.lastIndex
    const groups = piece.exec(text)?.groups
    if (groups === undefined) throw needsShell(`at character ${at + 1}: ${text.slice(at, at + 20)}`)
    yield pieceOf(groups, variables)
  }
}

function pieceOf(groups: Record<string, string | undefined>, variables: Readonly<Record<string, string>>): Piece {
  const { space, joint, pipe, single, double, escaped, name, braced, plain } = groups
  if (space !== undefined) return { kind: 'space' }
  if (pipe !== undefined) return { kind: 'pipe' }
  // A line that goes on in the next: nothing, and not even the end of a word.
  if (joint !== undefined) return { kind: 'expansion', text: '' }
  if (double !== undefined) return { kind: 'text', text: expandQuoted(double, variables) }
  const variable = name ?? braced
  if (variable !== undefined) return { kind: 'expansion', text: valueOf(variable, variables) }
  return { kind: 'text', text: single ?? escaped ?? plain ?? '' }
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
