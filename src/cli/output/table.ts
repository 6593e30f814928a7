import { cutEnd, cutMiddle, padded, textWidth } from './text-width.ts'
import { visibleLine } from './visible.ts'

/** Between two columns. */
const GAP = '  '
/** No column becomes narrower, whatever the terminal. */
const NARROWEST = 5
/** Nor one that gives way, as long as there is another way. */
const LEGIBLE = 8

/**
 * A column by its heading. One with `cut` gives way first where the terminal is too narrow: prose loses its end, a name its
 * middle.
 */
export type Column = string | { name: string; cut: 'end' | 'middle' }

/**
 * Rows as columns under a heading.
 *
 * @param columns width of the terminal: the widest cells are cut to fit it; whole cells when absent, as for a pipe
 */
export function table(heading: readonly Column[], rows: readonly (readonly string[])[], columns?: number): string {
  const cuts = heading.map((column) => (typeof column === 'string' ? undefined : column.cut))
  const names = heading.map((column) => (typeof column === 'string' ? column : column.name))
  const lines = [names, ...rows].map((line) => line.map(visibleLine))
  const natural = names.map((_, column) => widest(lines.map((line) => textWidth(line[column] ?? ''))))
  const widths = columns === undefined ? natural : fitted(natural, cuts, columns)
  return lines.map((line) => rowOf(line, widths, cuts)).join('\n')
}

/** Not by spreading: there may be more rows than a call takes arguments. */
const widest = (widths: readonly number[]): number => widths.reduce((one, other) => Math.max(one, other), 0)

type Cuts = readonly ('end' | 'middle' | undefined)[]

function rowOf(cells: readonly string[], widths: readonly number[], cuts: Cuts): string {
  return cells
    .map((cell, column) => {
      const width = widths[column] ?? 0
      return padded(cuts[column] === 'middle' ? cutMiddle(cell, width) : cutEnd(cell, width), width)
    })
    .join(GAP)
    .trimEnd()
}

/** Takes from the widest column that gives way, again and again, and from any other when that does not do. */
function fitted(widths: readonly number[], cuts: Cuts, columns: number): number[] {
  const giving = narrowed(widths, (column) => (cuts[column] === undefined ? undefined : LEGIBLE), columns)
  return narrowed(giving, () => NARROWEST, columns)
}

/** @param leastOf how narrow a column may become; undefined where it stays as it is */
function narrowed(widths: readonly number[], leastOf: (column: number) => number | undefined, columns: number) {
  const left = [...widths]
  const gaps = GAP.length * (widths.length - 1)
  let over = left.reduce((sum, width) => sum + width, gaps) - columns
  for (; over > 0; over--) {
    const room = left.map((width, column) => (width > (leastOf(column) ?? Infinity) ? width : 0))
    const most = widest(room)
    if (most === 0) break
    left[room.indexOf(most)] = most - 1
  }
  return left
}
