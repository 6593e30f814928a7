import { changedLines } from './text-changes.ts'

/**
 * What changed between two texts, for people: lines that went, marked `-`, and
 * lines that came, marked `+`, each in their order.
 *
 * @param maxLines how many lines are shown; the rest is counted
 */
export function textDiff(before: string, after: string, maxLines = 200): string {
  const changed = changedLines(before, after)
  const lines = [
    ...missingIn(changed.after, changed.before).map((line) => `-${line}`),
    ...missingIn(changed.before, changed.after).map((line) => `+${line}`)
  ]
  const left = lines.length - maxLines
  return [...lines.slice(0, maxLines), ...(left > 0 ? [`… and ${left} more lines`] : [])].join('\n')
}

/** Lines of one text that the other has not, or not as often. */
function missingIn(other: readonly string[], lines: readonly string[]): string[] {
  const count = new Map<string, number>()
  for (const line of other) count.set(line, (count.get(line) ?? 0) + 1)
  return lines.filter((line) => !take(count, line))
}

function take(count: Map<string, number>, line: string): boolean {
  const left = count.get(line) ?? 0
  if (left === 0) return false
  count.set(line, left - 1)
  return true
}
