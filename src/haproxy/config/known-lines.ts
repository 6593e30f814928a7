import { betweenSteps, eachInTurns } from '../../platform/turns.ts'
import { changedLines } from './text-changes.ts'

/** What became of the lines of one text in the next. */
export interface LineChange<T> {
  /** What was made of each line, as `split('\n')` makes them. */
  readonly lines: readonly T[]
  /** Of those of the text before which are not there any more: a line more than needed may be among them. */
  readonly went: readonly T[]
  /** Of those in their place. */
  readonly came: readonly T[]
}

/** Reads texts line by line, of which one is mostly like the one before: only lines that are new are read. */
export class KnownLines<T> {
  readonly #read: (line: string) => T
  #last: { text: string; lines: readonly T[] }

  /** @param read what it makes of a line follows from that line alone */
  constructor(read: (line: string) => T) {
    this.#read = read
    this.#last = { text: '', lines: [read('')] }
  }

  /** Not to be asked for the next text before this one is read, where what went and what came is summed up. */
  async changeTo(text: string): Promise<LineChange<T>> {
    const last = this.#last
    if (text === last.text) return { lines: last.lines, went: [], came: [] }
    const { head, before, after } = changedLines(last.text, text)
    await betweenSteps(text)
    const went = last.lines.slice(head, head + before.length)
    const known = new Map<string, T>()
    await eachInTurns(before.keys(), (index) => known.set(before[index] ?? '', went[index] as T))
    const came: T[] = []
    await eachInTurns(after, (line) => came.push(known.has(line) ? (known.get(line) as T) : this.#read(line)))
    const lines = last.lines.slice(0, head).concat(came, last.lines.slice(head + before.length))
    this.#last = { text, lines }
    return { lines, went, came }
  }
}
