/** What a question is answered with. */
export interface Table {
  title: string
  /** What was measured, and how: the paragraph above the rows. */
  text: string
  columns: readonly string[]
  rows: readonly (readonly (string | number)[])[]
}

export interface Options {
  /** So few rounds, so small a fleet, that only the way of measuring is tried. */
  quick: boolean
}

export type Question = (options: Options) => Promise<Table[]>

/** Numbers stand at the right, and so does what begins with one. */
export function markdownOf({ title, text, columns, rows }: Table): string {
  const isFigure = (index: number): boolean => rows.every((row) => /^[\d–*]/.test(String(row[index] ?? '')))
  const line = (cells: readonly (string | number)[]): string => `| ${cells.map(escaped).join(' | ')} |`
  const rule = columns.map((_, index) => (isFigure(index) ? '--:' : '---'))
  return [`## ${title}`, '', text, '', ...[columns, rule, ...rows].map(line), ''].join('\n')
}

const escaped = (cell: string | number): string => String(cell).replaceAll('|', '\\|')
