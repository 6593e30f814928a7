import type { Position } from '../template-fault.ts'

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
