import { unescapeLiteral } from './literals.ts'
import { PUNCTUATION, type Token, type TokenType } from './tokens.ts'
import { TemplateFault, type Position } from '../template-fault.ts'
import { PYTHON_SPACE, stripEnd } from '../values/text/characters.ts'

/** Walks through a text and knows the line and column of each place; both count from 1. */
export class SourceCursor {
  readonly text: string
  #offset = 0
  #line = 1
  #lineStart = 0

  constructor(text: string) {
    this.text = text
  }

  get offset(): number {
    return this.#offset
  }

  get finished(): boolean {
    return this.#offset >= this.text.length
  }

  get position(): Position {
    return { lineno: this.#line, colno: this.#offset - this.#lineStart + 1 }
  }

  advanceTo(offset: number): void {
    for (
      let at = this.text.indexOf('\n', this.#offset);
      at !== -1 && at < offset;
      at = this.text.indexOf('\n', at + 1)
    ) {
      this.#line++
      this.#lineStart = at + 1
    }
    this.#offset = offset
  }

  /** Matches a sticky pattern here and moves behind it. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#offset
    const match = pattern.exec(this.text)
    if (match === null) return undefined
    this.advanceTo(this.#offset + match[0].length)
    return match
  }
}

interface Rules {
  readonly end: RegExp
  readonly endType: TokenType
}

const SPACE = `[${PYTHON_SPACE}]*`
const OPENING: ReadonlyMap<string, string> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}']
])

/**
 * Splits a template into tokens by the rules of Jinja2's own lexer with its
 * default settings, in the shape that nunjucks' parser reads. nunjucks' lexer
 * knows neither `{%+`, nor balanced braces, nor Python's literals.
 */
export class Lexer {
  readonly #cursor: SourceCursor
  readonly #tokens: Token[] = []
  // Patterns are per lexer: sticky ones carry their position.
  readonly #patterns = {
    rawBegin: new RegExp(`\\{%[-+]?${SPACE}raw${SPACE}(?:-%\\}${SPACE}|%\\})`, 'uy'),
    rawEnd: new RegExp(`\\{%([-+]?)${SPACE}endraw${SPACE}(?:\\+%\\}|-%\\}${SPACE}|%\\})`, 'ug'),
    commentEnd: new RegExp(`\\+#\\}|-#\\}${SPACE}|#\\}`, 'ug'),
    tagBegin: /\{[{%#]/g,
    tagOpen: /\{[{%#][-+]?/y,
    space: new RegExp(`[${PYTHON_SPACE}]+`, 'uy'),
    float: /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy,
    int: /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy,
    symbol: /[\p{L}\p{Nl}\p{Nd}\p{Mn}\p{Mc}\p{Pc}_]+/uy,
    string: /'[^'\\]*(?:\\[\s\S][^'\\]*)*'|"[^"\\]*(?:\\[\s\S][^"\\]*)*"/y,
    operator: /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}><=.:|,;]/y
  }
  readonly #block: Rules = { end: new RegExp(`\\+%\\}|-%\\}${SPACE}|%\\}`, 'uy'), endType: 'block-end' }
  readonly #variable: Rules = { end: new RegExp(`-\\}\\}${SPACE}|\\}\\}`, 'uy'), endType: 'variable-end' }

  constructor(source: string) {
    const lines = source.replace(/\r\n?/g, '\n')
    this.#cursor = new SourceCursor(lines.endsWith('\n') ? lines.slice(0, -1) : lines)
  }

  /** All tokens, the last of type `eof`. */
  tokens(): readonly Token[] {
    while (!this.#cursor.finished) this.#readData()
    const last = this.#tokens.at(-1) ?? { lineno: 1, colno: 1 }
    this.#push('eof', '', last)
    return this.#tokens
  }

  /** Text up to the next tag, then the tag. */
  #readData(): void {
    const cursor = this.#cursor
    const begin = this.#search(this.#patterns.tagBegin)
    const end = begin?.index ?? cursor.text.length
    const strips = cursor.text.charAt(end + 2) === '-'
    this.#readText(end, strips)
    if (begin === null) return
    if (begin[0] === '{%' && this.#readRaw()) return
    const at = cursor.position
    cursor.take(this.#patterns.tagOpen)
    if (begin[0] === '{#') this.#skipComment(at)
    else if (begin[0] === '{%') this.#readTag('block-start', this.#block, at)
    else this.#readTag('variable-start', this.#variable, at)
  }

  #readText(end: number, strips: boolean): void {
    const at = this.#cursor.position
    const text = this.#cursor.text.slice(this.#cursor.offset, end)
    const kept = strips ? stripEnd(text) : text
    if (kept !== '') this.#push('data', kept, at)
    this.#cursor.advanceTo(end)
  }

  #readRaw(): boolean {
    const at = this.#cursor.position
    if (this.#cursor.take(this.#patterns.rawBegin) === undefined) return false
    const end = this.#search(this.#patterns.rawEnd)
    if (end === null) throw syntaxError('Missing end of raw directive', at)
    this.#readText(end.index, end[1] === '-')
    this.#cursor.advanceTo(end.index + end[0].length)
    return true
  }

  #skipComment(at: Position): void {
    const end = this.#search(this.#patterns.commentEnd)
    if (end === null) throw syntaxError('Missing end of comment tag', at)
    this.#cursor.advanceTo(end.index + end[0].length)
  }

  #readTag(type: TokenType, rules: Rules, at: Position): void {
    this.#push(type, '', at)
    const open: string[] = []
    while (!this.#cursor.finished) {
      const here = this.#cursor.position
      if (open.length === 0 && this.#cursor.take(rules.end) !== undefined) {
        this.#push(rules.endType, '', here)
        return
      }
      this.#readCode(open, here)
    }
  }

  #readCode(open: string[], at: Position): void {
    if (this.#cursor.take(this.#patterns.space) !== undefined) return
    if (this.#takeAs('float', at) || this.#takeAs('int', at) || this.#takeAs('symbol', at)) return
    const literal = this.#cursor.take(this.#patterns.string)
    if (literal !== undefined) {
      this.#push('string', unescapeAt(literal[0].slice(1, -1), at), at)
      return
    }
    const operator = this.#cursor.take(this.#patterns.operator)?.[0]
    if (operator === undefined) {
      throw syntaxError(`unexpected char '${this.#cursor.text.charAt(this.#cursor.offset)}'`, at)
    }
    balance(operator, open, at)
    this.#push(PUNCTUATION.get(operator) ?? 'operator', operator, at)
  }

  #takeAs(type: 'float' | 'int' | 'symbol', at: Position): boolean {
    const value = this.#cursor.take(this.#patterns[type])?.[0]
    if (value === undefined) return false
    if (type === 'symbol' && !/^[\p{L}\p{Nl}_]/u.test(value)) throw syntaxError('Invalid character in identifier', at)
    this.#push(type, value, at)
    return true
  }

  #search(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#cursor.offset
    return pattern.exec(this.#cursor.text)
  }

  #push(type: TokenType, value: string, { lineno, colno }: Position): void {
    this.#tokens.push({ type, value, lineno, colno })
  }
}

/** Keeps book of open brackets: `}}` ends a tag only when all are closed. */
function balance(operator: string, open: string[], at: Position): void {
  const closing = OPENING.get(operator)
  if (closing !== undefined) {
    open.push(closing)
    return
  }
  if (operator !== ')' && operator !== ']' && operator !== '}') return
  const expected = open.pop()
  if (expected === undefined) throw syntaxError(`unexpected '${operator}'`, at)
  if (expected !== operator) throw syntaxError(`unexpected '${operator}', expected '${expected}'`, at)
}

function unescapeAt(raw: string, at: Position): string {
  try {
    return unescapeLiteral(raw)
  } catch (error) {
    if (error instanceof TemplateFault) throw syntaxError(error.message, at)
    throw error
  }
}

function syntaxError(message: string, { lineno, colno }: Position): TemplateFault {
  return new TemplateFault('TemplateSyntaxError', message, lineno, colno)
}
