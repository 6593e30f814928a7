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
