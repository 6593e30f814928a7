/** Lines, as `split('\n')` makes them, in which two texts differ. What stands before and behind is the same in both. */
export interface ChangedLines {
  /** Lines of the common beginning. */
  head: number
  before: string[]
  after: string[]
}

/** Characters compared at once: as whole blocks of memory, and not one by one. */
const BLOCK = 4_096

/**
 * Finds the lines in which two texts differ, without a look at each of the
 * others, which is most of the work when one of ten thousand servers changes.
 * A line more than needed may be among them.
 */
export function changedLines(before: string, after: string): ChangedLines {
  const shorter = Math.min(before.length, after.length)
  const equal = commonLength(shorter, (from, to) => before.slice(from, to) === after.slice(from, to))
  const start = equal === 0 ? 0 : before.lastIndexOf('\n', equal - 1) + 1
  const tail = commonLength(shorter - start, (from, to) => fromEnd(before, from, to) === fromEnd(after, from, to))
  // From the end of a line on: the lines behind that are whole.
  const end = before.indexOf('\n', before.length - tail)
  const kept = end === -1 ? 0 : before.length - end
  return {
    head: countLines(before, start),
    before: before.slice(start, before.length - kept).split('\n'),
    after: after.slice(start, after.length - kept).split('\n')
  }
}

/** How many characters are the same, at most `limit`, by comparing ranges. */
function commonLength(limit: number, same: (from: number, to: number) => boolean): number {
  let at = 0
  let step = BLOCK
  while (at < limit) {
    const to = Math.min(at + step, limit)
    if (same(at, to)) at = to
    else if (to - at === 1) return at
    else step = Math.ceil((to - at) / 2)
  }
  return at
}

/** A range that is counted from the end. */
function fromEnd(text: string, from: number, to: number): string {
  return text.slice(text.length - to, text.length - from)
}

/** Lines that end before a place. */
function countLines(text: string, place: number): number {
  let lines = 0
  for (let at = text.indexOf('\n'); at !== -1 && at < place; at = text.indexOf('\n', at + 1)) lines++
  return lines
}
