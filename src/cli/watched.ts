import { setTimeout as sleep } from 'node:timers/promises'
import { defineCommand, type CliContext, type Command } from './command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from './control-tier.ts'
import { visibleJson, visibleText } from './visible.ts'

const PERIOD_MS = 1000

/** Options of commands that can look again and again. */
export const watchOption = { watch: { type: 'boolean', default: false } } as const
export const watchOptionDoc = { watch: 'Look again each second, until Ctrl-C' } as const

const CLEAR = '\u001b[H\u001b[2J\u001b[3J'

export interface Watching {
  watch: boolean
  /** One line of JSON a look, which no screen is cleared for. */
  json: boolean
}

/**
 * Shows once, or each second until the user ends it; a terminal is drawn anew each time.
 *
 * @param look what to show now, as lines
 */
export async function showWatched(
  { watch, json }: Watching,
  { signal, stdout, columns }: CliContext,
  look: () => Promise<readonly string[]>
): Promise<void> {
  do {
    const text = (await look()).join('\n')
    const clear = watch && !json && columns() !== undefined ? CLEAR : ''
    if (text !== '') stdout(clear + (json ? visibleJson(text) : visibleText(text)))
    if (watch) await sleep(PERIOD_MS, undefined, { signal }).catch(() => {})
  } while (watch && !signal.aborted)
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
      const tier = new ControlTier(values.url, context.env)
      await showWatched(values, context, async () => {
        const answer = await tier.get<T>(path)
        return values.json ? [JSON.stringify(answer)] : lines(answer, context.columns())
      })
    }
  })
