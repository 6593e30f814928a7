import { setTimeout as sleep } from 'node:timers/promises'
import { findKontrolError, type KontrolError } from '../errors.ts'
import { defineCommand, type CliContext, type Command } from './command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from './control-tier.ts'
import { Screen } from './output/screen.ts'
import { shownTime } from './output/shown-time.ts'
import { visibleJson, visibleText } from './output/visible.ts'
import { wrapped } from './output/wrapped.ts'

const PERIOD_MS = 1000
const USUAL_ROWS = 24

/** Options of commands that can look again and again. */
export const watchOption = { watch: { type: 'boolean', default: false } } as const
export const watchOptionDoc = { watch: 'Look again each second, until Ctrl-C' } as const

export interface Watching {
  watch: boolean
  /** One line of JSON a look, which no screen is drawn for. */
  json: boolean
  /** What stands last is the newest: it stays in sight when the terminal is too low for all. */
  keepsEnd?: boolean
}

type Look = () => Promise<readonly string[]>

/**
 * Shows once, or each second until the user ends it; a terminal is drawn anew each time.
 *
 * @param look what to show now, as lines
 */
export async function showWatched(watching: Watching, context: CliContext, look: Look): Promise<void> {
  const { watch, json } = watching
  if (!watch) return print(await look(), watching, context)
  if (!json && context.columns() !== undefined) return await showOnScreen(watching, context, look)
  const { signal } = context
  do {
    const now = await lookAgain(look, signal, false)
    if (now === undefined || !('lines' in now)) return
    print(now.lines, watching, context)
    await sleep(PERIOD_MS, undefined, { signal }).catch(() => {})
  } while (!signal.aborted)
}

function print(lines: readonly string[], { json }: Watching, { stdout }: CliContext): void {
  const text = lines.join('\n')
  if (text !== '') stdout(json ? visibleJson(text) : visibleText(text))
}

async function showOnScreen({ keepsEnd }: Watching, context: CliContext, look: Look): Promise<void> {
  const { signal, stdout } = context
  const screen = new Screen(stdout)
  let [seen, top]: [readonly string[], string] = [[], '']
  try {
    do {
      const now = await lookAgain(look, signal, seen.length > 0)
      if (now === undefined) return
      const columns = context.columns() ?? 0
      if ('lines' in now) {
        seen = visibleText(now.lines.join('\n')).split('\n')
        top = `${shownTime(new Date())}, each second until Ctrl-C`
      }
      // What was seen last stays below it, with the time at which it was.
      const away = 'away' in now ? [...visibleText(wrapped(now.away.message, columns)).split('\n'), ''] : []
      const rows = context.rows?.() ?? USUAL_ROWS
      screen.draw(top, [...away, ...seen], { columns, rows }, keepsEnd)
      await sleep(PERIOD_MS, undefined, { signal }).catch(() => {})
    } while (!signal.aborted)
  } finally {
    screen.close()
  }
}

type Seen = { lines: readonly string[] } | { away: KontrolError }

/**
 * A control tier that starts anew is away for a moment: no reason to stop looking, once there was something to see.
 *
 * @returns undefined when the user has ended it
 */
async function lookAgain(look: Look, signal: AbortSignal, hasSeen: boolean): Promise<Seen | undefined> {
  try {
    return { lines: await look() }
  } catch (error) {
    if (signal.aborted) return undefined
    const away = findKontrolError(error)
    if (hasSeen && away?.code === 'KTL_MASTER_UNREACHABLE') return { away }
    throw error
  }
}

export interface View<T> {
  summary: string
  /** What to ask the control tier for. */
  path: string
  /** Its answer for a person to read, in the width of the terminal. */
  lines: (answer: T, columns: number | undefined) => readonly string[]
}

/** A command that shows one answer of a control tier. */
export const defineView = <T>({ summary, path, lines }: View<T>): Command =>
  defineCommand({
    summary,
    usage: '[--url <url>] [--watch] [--json]',
    options: { ...controlTierOptions, ...watchOption },
    optionDocs: { ...controlTierOptionDocs, ...watchOptionDoc },
    async run({ values }, context) {
      const tier = new ControlTier(values.url, context)
      await showWatched(values, context, async () => {
        const answer = await tier.get<T>(path)
        return values.json ? [JSON.stringify(answer)] : lines(answer, context.columns())
      })
    }
  })
