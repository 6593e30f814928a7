/**
 * What changed between two texts, for people: lines that went, marked `-`, and
 * lines that came, marked `+`, each in their order.
 *
 * @param maxLines how many lines are shown; the rest is counted
 */
export function textDiff(before: string, after: string, maxLines = 200): string {
  const count = new Map<string, number>()
  const oldLines = before.split('\n')
  const newLines = after.split('\n')
  for (const line of newLines) count.set(line, (count.get(line) ?? 0) + 1)
  const gone = oldLines.filter((line) => !take(count, line))
  count.clear()
  for (const line of oldLines) count.set(line, (count.get(line) ?? 0) + 1)
  const come = newLines.filter((line) => !take(count, line))
  const lines = [...gone.map((line) => `-${line}`), ...come.map((line) => `+${line}`)]
  const left = lines.length - maxLines
  return [...lines.slice(0, maxLines), ...(left > 0 ? [`… and ${left} more lines`] : [])].join('\n')
}

function take(count: Map<string, number>, line: string): boolean {
  const left = count.get(line) ?? 0
  if (left === 0) return false
  count.set(line, left - 1)
  return true
}
