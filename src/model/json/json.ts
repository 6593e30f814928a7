/**
 * JSON as Python's json module reads and writes it. `JSON.parse` rounds ints
 * beyond 2^53, makes 1.0 an int, refuses NaN and Infinity, and sorts keys such
 * as "10" to the front; here all of that stays as it was written.
 */

/** A number that a plain JavaScript number would not give back as it was written. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** Python's json.loads makes an int of it. */
  get isInt(): boolean {
    return /^-?[0-9]+$/.test(this.text)
  }

  /** NaN, Infinity and -Infinity are no JSON, though Python writes them. */
  get isFinite(): boolean {
    return !/[NI]/.test(this.text)
  }

  /** JSON.stringify would lose it. */
  toJSON(): never {
    throw new NotPlainError()
  }
}

export const isJsonNumber = (object: object): object is JsonNumber => object instanceof JsonNumber

/** An object whose keys a plain JavaScript object would not keep in order. */
export class JsonObject extends Map<string, JsonValue> {
  toJSON(): never {
    throw new NotPlainError()
  }
}

type JsonValue =
  null | boolean | string | number | JsonNumber | JsonValue[] | JsonObject | { [name: string]: JsonValue }

/** What JSON.stringify stumbles over. */
class NotPlainError extends Error {}

class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError'
}

/** A number that is not plain, or a key that is an index, may follow. Finds some in strings as well, which does no harm. */
const NOT_PLAIN = /[:,[]\s*-?(?:[0-9]{16}|[0-9]+[.eE]|[NI])|[{,]\s*"[0-9]+"\s*:|^\s*-?(?:[0-9]|[NI])/

/**
 * Reads JSON, a byte order mark before it or not.
 *
 * @throws JsonSyntaxError or SyntaxError that says what is wrong
 */
export function parseJson(text: string): unknown {
  const json = text.startsWith('\uFEFF') ? text.slice(1) : text
  return NOT_PLAIN.test(json) ? new JsonReader(json).document() : (JSON.parse(json) as unknown)
}

/** Writes what parseJson gave; undefined members are left out. */
export function stringifyJson(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (!(error instanceof NotPlainError)) throw error
    return writeExactly(value, ({ text }) => text)
  }
}

/** The same for readers that know JSON alone: what is no number there becomes the text "NaN" or "Infinity". */
export function stringifyStrictJson(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (!(error instanceof NotPlainError)) throw error
    return writeExactly(value, ({ text, isFinite }) => (isFinite ? text : `"${text}"`))
  }
}

function writeExactly(value: unknown, number: (value: JsonNumber) => string): string {
  if (value instanceof JsonNumber) return number(value)
  if (Array.isArray(value)) return `[${value.map((item) => writeExactly(item, number)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  const members = membersOf(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${writeExactly(member, number)}`).join(',')}}`
}

/** Of an object that parseJson may have given. */
export function membersOf(object: object): [name: string, value: unknown][] {
  return object instanceof JsonObject ? [...object] : Object.entries(object)
}

/** Deeper than anything that is taken; the reader calls itself for each level. */
const MAX_DEPTH = 500

const NUMBER = /-?(?:Infinity|(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|NaN/y
const SPACE = /[ \t\n\r]*/y
/** What may stand in a string as it is: from the blank on, all but the quote and the backslash. */
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y

class JsonReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): JsonValue {
    const value = this.#value(0)
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.#unexpected()
    return value
  }

  #value(depth: number): JsonValue {
    this.#skipSpace()
    switch (this.#text.charAt(this.#at)) {
      case '{':
        return this.#object(depth + 1)
      case '[':
        return this.#array(depth + 1)
      case '"':
        return this.#string()
      case 't':
        return this.#word('true', true)
      case 'f':
        return this.#word('false', false)
      case 'n':
        return this.#word('null', null)
      default:
        return this.#number()
    }
  }

  #object(depth: number): JsonValue {
    this.#enter(depth)
    const members = new JsonObject()
    let ordered = true
    if (this.#take('}')) return {}
    do {
      this.#skipSpace()
      const name = this.#string()
      this.#expect(':')
      // As in Python, the last one of the same name counts, in the place of the first.
      members.set(name, this.#value(depth))
      if (/^[0-9]+$/.test(name)) ordered = false
    } while (this.#take(','))
    this.#expect('}')
    // From entries: a member may be named "__proto__".
    return ordered ? Object.fromEntries(members) : members
  }

  #array(depth: number): JsonValue[] {
    this.#enter(depth)
    const items: JsonValue[] = []
    if (this.#take(']')) return items
    do items.push(this.#value(depth))
    while (this.#take(','))
    this.#expect(']')
    return items
  }

  #enter(depth: number): void {
    if (depth > MAX_DEPTH) throw new JsonSyntaxError(`nested deeper than ${MAX_DEPTH} levels`)
    this.#at += 1
  }

  #string(): string {
    return JSON.parse(this.#match(STRING)) as string
  }

  #number(): number | JsonNumber {
    const number = new JsonNumber(this.#match(NUMBER))
    const plain = Number(number.text)
    const same = String(plain) === number.text && (!number.isInt || Number.isSafeInteger(plain)) && number.isFinite
    return same ? plain : number
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected()
    this.#at += word.length
    return value
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const [found] = pattern.exec(this.#text) ?? []
    if (found === undefined) throw this.#unexpected()
    this.#at += found.length
    return found
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#at
    SPACE.test(this.#text)
    this.#at = SPACE.lastIndex
  }

  /** Whether the next character is this one, which is then read. */
  #take(character: string): boolean {
    this.#skipSpace()
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw this.#unexpected()
  }

  #unexpected(): JsonSyntaxError {
    const found = this.#text[this.#at]
    return new JsonSyntaxError(
      found === undefined ? 'ends too early' : `unexpected ${JSON.stringify(found)} at character ${this.#at + 1}`
    )
  }
}
