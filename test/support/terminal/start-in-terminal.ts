import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const PSEUDO_TERMINAL = join(import.meta.dirname, 'pseudo-terminal.py')
const MAIN = join(import.meta.dirname, '../../../dist/main.js')

export interface TerminalOptions {
  columns: number
  rows?: number
  env?: NodeJS.ProcessEnv
  cwd?: string
}

interface TerminalResult {
  code: number | null
  /** All that was written to the terminal, sequences of control among it. */
  drawn: string
  /** Private modes that were set (`h`) or reset (`l`) last, by number: 25 is the cursor, 1049 the alternate screen. */
  modes: Record<string, 'h' | 'l'>
  /** Columns that the widest line takes. */
  widest: number
}

export interface InTerminal {
  drawn(): string
  type(keys: string): void
  ended(): Promise<TerminalResult>
}

export const CTRL_C = '\u0003'

/** One command of the built program in a terminal of its own. */
export function startInTerminal(args: readonly string[], options: TerminalOptions): InTerminal {
  const { columns, rows = 24, env = {}, cwd } = options
  const size = [String(columns), String(rows)]
  const child = spawn('python3', [PSEUDO_TERMINAL, ...size, process.execPath, MAIN, ...args], {
    env: { PATH: process.env.PATH, TERM: 'xterm', ...env },
    ...(cwd !== undefined && { cwd })
  })
  let [drawn, summary] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (drawn += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (summary += text))
  const closed = once(child, 'close') as Promise<[number | null]>
  return {
    drawn: () => drawn,
    type: (keys) => void child.stdin.write(keys),
    async ended() {
      const [code] = await closed
      const { modes, widest } = JSON.parse(summary) as Pick<TerminalResult, 'modes' | 'widest'>
      return { code, drawn: drawn.replaceAll('\r\n', '\n'), modes, widest }
    }
  }
}
