import { visibleLine } from './visible.ts'

/** Between two columns. */
const GAP = '  '
/** No column becomes narrower, whatever the terminal. */
const NARROWEST = 5

/**
 * Rows as columns under a heading.
 *
 * @param columns width of the terminal: the widest cells are cut to fit it; whole cells when absent, as for a pipe
 */
export function table(heading: readonly string[], rows: readonly (readonly string[])[], columns?: number): string {
  const lines = [heading, ...rows].map((line) => line.map(visibleLine))
  const widths = fitted(
    heading.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))),
    columns
  )
  return lines
    .map((line) =>
      line
        .map((cell, column) => cut(cell, widths[column] ?? 0).padEnd(widths[column] ?? 0))
        .join(GAP)
        .trimEnd()
    )
    .join('\n')
}

/** Text in the width of a terminal; whole when there is none. */
const cut = (text: string, width: number | undefined): string =>
  width === undefined || text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`

/** Takes from the widest column, again and again, until all fit. */
function fitted(widths: number[], columns: number | undefined): number[] {
  const gaps = GAP.length * (widths.length - 1)
  if (columns === undefined) return widths
  const left = [...widths]
  while (left.reduce((sum, width) => sum + width, gaps) > columns) {
    const widest = left.indexOf(Math.max(...left))
    if ((left[widest] ?? 0) <= NARROWEST) break
    left[widest] = (left[widest] ?? 0) - 1
  }
  return left
}
