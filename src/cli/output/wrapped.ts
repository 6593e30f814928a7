import { padded, textWidth } from './text-width.ts'

/**
 * Prose in the width of a terminal: its lines are broken at blanks, and go on as far in as they began. A word that is wider
 * than that stays whole: it may be an address to be copied.
 *
 * @param columns width of the terminal; as it is when absent, as for a pipe
 * @param hanging how much further in a line goes on
 */
export function wrapped(text: string, columns: number | undefined, hanging = 0): string {
  if (columns === undefined) return text
  return text
    .split('\n')
    .map((line) => (textWidth(line) <= columns ? line : broken(line, columns, hanging)))
    .join('\n')
}

function broken(line: string, columns: number, hanging: number): string {
  const [, indent = '', mark = '', words = ''] = /^(\s*)((?:[-*] )?)(.*)$/s.exec(line) ?? []
  const further = indent + ' '.repeat(mark.length + hanging)
  const lines: string[] = []
  let current = indent + mark
  let isEmpty = true
  for (const word of words.split(' ')) {
    if (!isEmpty && textWidth(current) + 1 + textWidth(word) > columns) {
      lines.push(current.trimEnd())
      ;[current, isEmpty] = [further, true]
    }
    current += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  return [...lines, current.trimEnd()].join('\n')
}

/** Between the names of fields and what they hold. */
const GAP = 2

/**
 * Fields under each other, each with its name before it; what is too long for the terminal goes on below.
 */
export function fields(rows: readonly (readonly [name: string, value: string])[], columns: number | undefined): string {
  const width = rows.reduce((most, [name]) => Math.max(most, textWidth(name)), 0) + GAP
  return rows
    .map(([name, value]) =>
      value
        .split('\n')
        .map((line, index) =>
          wrapped((padded(index === 0 ? name : '', width) + line).trimEnd(), columns, index === 0 ? width : 0)
        )
        .join('\n')
    )
    .join('\n')
}
