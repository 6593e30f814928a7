import { limitFault, type Limits } from './limits.ts'
import { TemplateFault } from './template-fault.ts'
import { getItem, ownAttribute } from './values/attributes.ts'
import { toText } from './values/print.ts'
import type { Library, Runtime, Value } from './values/value.ts'

/** Characters of text that may be copied for one step. */
const CHARACTERS_PER_STEP = 8

/** Characters of a text that is copied as a whole for one step. */
const COPIED_CHARACTERS_PER_STEP = 1024

/** A macro's frame and output take that much longer to set up than a turn of a loop. */
const STEPS_PER_CALL = 10
const MAX_FORMAT_LENGTH = 20_000

/** Calls of `spend` from one question whether the time is over to the next. */
const CALLS_PER_QUESTION = 64

/** Keeps one rendering inside its limits. */
export class TemplateRuntime implements Runtime {
  readonly library: Library
  readonly #sources: ReadonlyMap<string, () => Value>
  readonly #variables = new Map<string, Value>()
  readonly #limits: Limits
  #calls = 0
  #steps = 0
  #copiedItems = 0
  #depth = 0

  /** @param sources make the variables, each at its first use */
  constructor(library: Library, sources: ReadonlyMap<string, () => Value>, limits: Limits) {
    this.library = library
    this.#sources = sources
    this.#limits = limits
  }

  /** A variable that was given to the template, or a global function. */
  variable(name: string): Value | undefined {
    return this.#variables.get(name) ?? this.#make(name) ?? this.library.globals.get(name)
  }

  #make(name: string): Value | undefined {
    const made = this.#sources.get(name)?.()
    if (made !== undefined) this.#variables.set(name, made)
    return made
  }

  spend(steps = 1): void {
    this.#steps += steps
    if (this.#steps > this.#limits.steps) throw limitFault('steps', this.#limits.steps)
    if (++this.#calls % CALLS_PER_QUESTION === 0 && this.#limits.isOverdue()) {
      throw new TemplateFault('LimitError', 'the template needs more time than it has')
    }
  }

  /** To be asked before a text or a list of that many characters or items is made. */
  allowLength(length: number): void {
    this.allowOutput(length)
    if (length > CHARACTERS_PER_STEP) this.spend(Math.ceil(length / CHARACTERS_PER_STEP))
  }

  allowOutput(length: number): void {
    if (length > this.#limits.outputLength) throw limitFault('characters of output', this.#limits.outputLength)
  }

  allowCopy(length: number): void {
    this.allowOutput(length)
    this.spend(length / COPIED_CHARACTERS_PER_STEP)
  }

  allowItems(count: number): void {
    this.#copiedItems += count
    if (this.#copiedItems > this.#limits.copiedItems)
      throw limitFault('copied items of lists', this.#limits.copiedItems)
  }

  /** To be asked before the fields of a format string are looked for. */
  allowFormat({ length }: string): void {
    if (length > MAX_FORMAT_LENGTH) throw limitFault('characters in a format string', MAX_FORMAT_LENGTH)
    this.spend(Math.ceil(length / CHARACTERS_PER_STEP))
  }

  /** What a value prints as. */
  print(value: Value): string {
    if (typeof value === 'string') return value
    const text = toText(value)
    this.allowLength(text.length)
    return text
  }

  attribute(value: Value, name: string): Value | undefined {
    return ownAttribute(value, name)
  }

  item(value: Value, key: Value): Value {
    return getItem(value, key, this)
  }

  /** Runs the body of a macro or a recursive loop. */
  descend<T>(run: () => T): T {
    this.spend(STEPS_PER_CALL)
    if (++this.#depth > this.#limits.recursion) throw limitFault('levels of recursion', this.#limits.recursion)
    const result = run()
    this.#depth--
    return result
  }
}
