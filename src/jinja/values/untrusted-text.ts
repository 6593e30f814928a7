import { characterCount, compareText } from './text/characters.ts'
import { Float, Markup, NativeObject, type Value } from './value.ts'

/** What may be known of a text that must not get out: an answer that is no text itself. */
type Answer = boolean | number | bigint | Float | undefined

/**
 * A text that a template may ask about and must not print: what came from
 * outside and would mean more than itself where it is printed. It compares,
 * counts and is found as the string it is. Whatever would give the text away, or
 * a part of it, gives nothing and tells so; what is printed then is not to be used.
 */
export class UntrustedText extends NativeObject {
  readonly typeName = 'str'
  readonly #text: string
  readonly #onUse: () => void

  constructor(text: string, onUse: () => void) {
    super()
    this.#text = text
    this.#onUse = onUse
  }

  ask<T extends Answer>(question: (text: string) => T): T {
    return question(this.#text)
  }

  /** The same for what may answer with a text, which is not given out. */
  askAnything(question: (text: string) => Value): Value {
    const answer = question(this.#text)
    const isAnswer = typeof answer !== 'object' ? typeof answer !== 'string' : answer instanceof Float
    return isAnswer ? answer : this.print()
  }

  /** Another text, as little to be trusted. */
  changed(change: (text: string) => string): UntrustedText {
    return new UntrustedText(change(this.#text), this.#onUse)
  }

  /** A text that is harmless whatever this one says; undefined where there is none. */
  made(harmless: (text: string) => string | undefined): string {
    return harmless(this.#text) ?? this.print()
  }

  override print(): string {
    this.#onUse()
    return ''
  }

  override values(): Value[] {
    this.#onUse()
    return []
  }

  override sequence(): Value[] {
    return this.values()
  }

  override size(): number {
    return characterCount(this.#text)
  }

  override equals(other: Value): boolean {
    return this.order(other) === 0
  }

  /** As strings compare; undefined where the other is none. */
  order(other: Value): number | undefined {
    if (other instanceof UntrustedText) return compareText(this.#text, other.#text)
    const text = other instanceof Markup ? other.text : other
    return typeof text === 'string' ? compareText(this.#text, text) : undefined
  }
}

/** A dict some of whose keys are not to be printed. They are found by their text all the same. */
export class DictOfUntrustedKeys extends Map<Value, Value> {
  readonly #keys = new Map<string, UntrustedText>()

  add(text: string, key: UntrustedText, value: Value): void {
    this.#keys.set(text, key)
    super.set(key, value)
  }

  override get(key: Value): Value | undefined {
    return super.get(this.#own(key))
  }

  override has(key: Value): boolean {
    return super.has(this.#own(key))
  }

  override set(key: Value, value: Value): this {
    return super.set(this.#own(key), value)
  }

  override delete(key: Value): boolean {
    return super.delete(this.#own(key))
  }

  #own(key: Value): Value {
    return typeof key === 'string' ? (this.#keys.get(key) ?? key) : key
  }
}
