import { commonEnd, commonStart } from '../../platform/text/common-text.ts'
import { eachInTurns } from '../../platform/turns.ts'

/** Lines, as `split('\n')` makes them, in which two texts differ. What stands before and behind is the same in both. */
export interface ChangedLines {
  /** Lines of the common beginning. */
  head: number
  before: string[]
  after: string[]
}

/**
 * Finds the lines in which two texts differ, without a look at each of the
 * others, which is most of the work when one of ten thousand servers changes.
 * A line more than needed may be among them.
 */
export function changedLines(before: string, after: string): ChangedLines {
  const shorter = Math.min(before.length, after.length)
  const equal = commonStart(before, after)
  const start = equal === 0 ? 0 : before.lastIndexOf('\n', equal - 1) + 1
  const tail = commonEnd(before, after, shorter - start)
  // From the end of a line on: the lines behind that are whole.
  const end = before.indexOf('\n', before.length - tail)
  const kept = end === -1 ? 0 : before.length - end
  return {
    head: countLines(before, start),
    before: before.slice(start, before.length - kept).split('\n'),
    after: after.slice(start, after.length - kept).split('\n')
  }
}

/** Leaves out what two lists have in common at their beginnings and ends, which in ten thousand lines is nearly all. */
export function withoutCommonEnds<T>(
  before: readonly T[],
  after: readonly T[],
  same: (one: T, other: T) => boolean
): { head: number; before: readonly T[]; after: readonly T[] } {
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && same(before[head] as T, after[head] as T)) head++
  let tail = 0
  while (tail < shorter - head && same(before[before.length - 1 - tail] as T, after[after.length - 1 - tail] as T))
    tail++
  return {
    head,
    before: before.slice(head, before.length - tail),
    after: after.slice(head, after.length - tail)
  }
}

/**
 * What changed between two texts, for people: lines that went, marked `-`, and
 * lines that came, marked `+`, each in their order.
 *
 * @param maxLines how many lines are shown; the rest is counted
 */
export async function textDiff(before: string, after: string, maxLines = 200): Promise<string> {
  const changed = changedLines(before, after)
  const [went, came] = [await missingIn(changed.after, changed.before), await missingIn(changed.before, changed.after)]
  const shown = [
    ...went.slice(0, maxLines).map((line) => `-${abridged(line)}`),
    ...came.slice(0, maxLines).map((line) => `+${abridged(line)}`)
  ]
  const left = went.length + came.length - maxLines
  return [...shown.slice(0, maxLines), ...(left > 0 ? [`… and ${left} more lines`] : [])].join('\n')
}

/** Nobody reads more of one line, and a hundred diffs are kept. */
const MAX_SHOWN = 2_000

/** Not cut: a piece of a secret would not be known as one. */
const abridged = (line: string): string => (line.length > MAX_SHOWN ? `… a line of ${line.length} characters` : line)

/** Lines of one text that the other has not, or not as often. */
async function missingIn(other: readonly string[], lines: readonly string[]): Promise<string[]> {
  const count = new Map<string, number>()
  await eachInTurns(other, (line) => count.set(line, (count.get(line) ?? 0) + 1))
  const missing: string[] = []
  await eachInTurns(lines, (line) => {
    if (!take(count, line)) missing.push(line)
  })
  return missing
}

function take(count: Map<string, number>, line: string): boolean {
  const left = count.get(line) ?? 0
  if (left === 0) return false
  count.set(line, left - 1)
  return true
}

/** Lines that end before a place. */
function countLines(text: string, place: number): number {
  let lines = 0
  for (let at = text.indexOf('\n'); at !== -1 && at < place; at = text.indexOf('\n', at + 1)) lines++
  return lines
}
