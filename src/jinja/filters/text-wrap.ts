import { TemplateFault } from '../template-fault.ts'
import { characterCount } from '../values/text/characters.ts'

export interface WrapOptions {
  readonly width: number
  readonly breakLongWords: boolean
  readonly breakOnHyphens: boolean
}

/** Words with their hyphens, dashes, and the white space between them: the pieces at which Python's textwrap may break. */
const PIECES =
  /([\t\n\v\f\r ]+|(?<=[\w!"'&.,?])-{2,}(?=\w)|[^\t\n\v\f\r ](?:(?![\t\n\v\f\r ])[\s\S])*?(?:-(?:(?<=[^\d\W]{2}-)|(?<=[^\d\W]-[^\d\W]-))(?=[^\d\W]-?[^\d\W])|(?=[\t\n\v\f\r ]|$)|(?<=[\w!"'&.,?])(?=-{2,}\w)))/u

const SIMPLE_PIECES = /([\t\n\v\f\r ]+)/

/** Python's textwrap.wrap for one paragraph, with tabs and white space left as they are. */
export function wrapText(text: string, options: WrapOptions): string[] {
  if (options.width <= 0) throw new TemplateFault('ValueError', `invalid width ${options.width} (must be > 0)`)
  const pattern = options.breakOnHyphens ? PIECES : SIMPLE_PIECES
  const pieces = text.split(pattern).filter((piece) => piece !== '')
  const lines: string[] = []
  pieces.reverse()
  while (pieces.length > 0) {
    if (lines.length > 0 && isBlank(pieces.at(-1))) pieces.pop()
    const line = takeLine(pieces, options)
    if (line.length > 0 && isBlank(line.at(-1))) line.pop()
    if (line.length > 0) lines.push(line.join(''))
  }
  return lines
}

/** @param pieces what is left, the next one last */
function takeLine(pieces: string[], options: WrapOptions): string[] {
  const line: string[] = []
  let length = 0
  for (let next = pieces.at(-1); next !== undefined; next = pieces.at(-1)) {
    const size = characterCount(next)
    if (length + size > options.width) break
    line.push(next)
    length += size
    pieces.pop()
  }
  const next = pieces.at(-1)
  if (next !== undefined && characterCount(next) > options.width) breakWord(pieces, line, options, length)
  return line
}

function breakWord(pieces: string[], line: string[], options: WrapOptions, length: number): void {
  const word = pieces.pop() ?? ''
  if (!options.breakLongWords) {
    const target = line.length === 0 ? line : pieces
    target.push(word)
    return
  }
  const space = options.width < 1 ? 1 : options.width - length
  if (!Number.isInteger(space)) throw new TemplateFault('TypeError', 'the width to break a word at must be an integer')
  const chars = Array.from(word)
  const end = breakPoint(chars, options, space)
  line.push(chars.slice(0, end).join(''))
  if (end < chars.length) pieces.push(chars.slice(end).join(''))
}

function breakPoint(word: readonly string[], options: WrapOptions, space: number): number {
  const hyphen = options.breakOnHyphens && word.length > space && space > 0 ? word.lastIndexOf('-', space - 1) : -1
  return hyphen > 0 && word.slice(0, hyphen).some((char) => char !== '-') ? hyphen + 1 : space
}

function isBlank(piece: string | undefined): boolean {
  return piece !== undefined && piece.trim() === ''
}
