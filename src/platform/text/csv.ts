// CSV as RFC 4180 has it and HAProxy prints it: a cell that holds a comma, a quote or a line feed stands in quotes, in
// which a quote is written twice.

/** Its lines but blank ones, header among them: a line feed within quotes ends none. */
export const csvLines = (csv: string): string[] => splitOutsideQuotes(csv, '\n').filter((line) => line.trim() !== '')

/** @param line without its end */
export function csvCells(line: string): string[] {
  return splitOutsideQuotes(line, ',').map((cell) =>
    cell.startsWith('"') && cell.endsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell
  )
}

/** The first cells of a line. No others are looked for in one without quotes, as nearly all are. */
export const csvFirstCells = (line: string, count: number): string[] =>
  line.includes('"') ? csvCells(line).slice(0, count) : line.split(',', count)

/** Whether what follows belongs to a cell that this began. */
export const endsInQuotes = (csv: string): boolean => csv.split('"').length % 2 === 0

function splitOutsideQuotes(text: string, separator: string): string[] {
  const pieces = text.split(separator)
  if (!text.includes('"')) return pieces
  const parts: string[] = []
  let open: string[] = []
  let isQuoted = false
  for (const piece of pieces) {
    open.push(piece)
    if (endsInQuotes(piece)) isQuoted = !isQuoted
    if (isQuoted) continue
    parts.push(open.join(separator))
    open = []
  }
  return open.length === 0 ? parts : [...parts, open.join(separator)]
}
