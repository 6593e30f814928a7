import { cutEnd } from './text-width.ts'

// Control sequences of ECMA-48, and of xterm for the alternate screen, which every terminal of today has.
const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const ERASE_LINE = '\u001b[K'
const ERASE_BELOW = '\u001b[J'

export interface Terminal {
  columns: number
  rows: number
}

/**
 * A terminal that is drawn anew again and again, on a screen of its own: what stood there before, and what was scrolled away,
 * is there again at the end, with the last look below it.
 */
export class Screen {
  readonly #write: (text: string) => void
  #last: readonly string[] | undefined

  /** @param write takes text that it ends with a line feed */
  constructor(write: (text: string) => void) {
    this.#write = write
  }

  /**
   * @param lines visible text; `top` stands above it
   * @param keepsEnd which of them go when there is no room for all: those behind the first instead of the last
   */
  draw(top: string, lines: readonly string[], { columns, rows }: Terminal, keepsEnd = false): void {
    // One row is the top's, one the cursor's.
    const shown = [top, ...fitting(lines, Math.max(1, rows - 2), keepsEnd)].map((line) => cutEnd(line, columns))
    const enter = this.#last === undefined ? ENTER : ''
    this.#last = lines
    this.#write(`${enter}${HOME}${shown.map((line) => line + ERASE_LINE).join('\n')}${ERASE_BELOW}`)
  }

  /** Gives the terminal back. */
  close(): void {
    if (this.#last === undefined) return
    this.#write(LEAVE + this.#last.join('\n'))
    this.#last = undefined
  }
}

function fitting(lines: readonly string[], rows: number, keepsEnd: boolean): readonly string[] {
  if (lines.length <= rows) return lines
  const hidden = lines.length - rows + 1
  const more = `… ${hidden} more ${hidden === 1 ? 'line' : 'lines'}`
  if (!keepsEnd) return [...lines.slice(0, rows - 1), more]
  // The heading stays.
  return [...lines.slice(0, 1), more.replace('more', 'earlier'), ...lines.slice(lines.length - rows + 2)].slice(0, rows)
}
