import { betweenSteps, eachInTurns } from '../../platform/turns.ts'
import { changedLines } from './text-changes.ts'

/** Reads texts line by line, of which one is mostly like the one before: only lines that are new are read. */
export class KnownLines<T> {
  readonly #read: (line: string) => T
  #last: { text: string; lines: readonly T[] }

  /** @param read what it makes of a line follows from that line alone */
  constructor(read: (line: string) => T) {
    this.#read = read
    this.#last = { text: '', lines: [read('')] }
  }

  /** What was made of each line, as `split('\n')` makes them. */
  async of(text: string): Promise<readonly T[]> {
    const last = this.#last
    if (text === last.text) return last.lines
    const { head, before, after } = changedLines(last.text, text)
    await betweenSteps(text)
    const known = new Map<string, T>()
    await eachInTurns(before.keys(), (index) => known.set(before[index] ?? '', last.lines[head + index] as T))
    const fresh: T[] = []
    await eachInTurns(after, (line) => fresh.push(known.has(line) ? (known.get(line) as T) : this.#read(line)))
    const lines = last.lines.slice(0, head).concat(fresh, last.lines.slice(head + before.length))
    this.#last = { text, lines }
    return lines
  }
}
