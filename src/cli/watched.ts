import { setTimeout as sleep } from 'node:timers/promises'
import { defineCommand, type Command } from './command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from './control-tier.ts'

const PERIOD_MS = 1000

/** Options of commands that can look again and again. */
export const watchOption = { watch: { type: 'boolean', default: false } } as const
export const watchOptionDoc = { watch: 'Look again each second, until Ctrl-C' } as const

/** Shows once, or each second until the user ends it. */
export async function showWatched(watch: boolean, signal: AbortSignal, show: () => Promise<void>): Promise<void> {
  await show()
  while (watch && !signal.aborted) {
    await sleep(PERIOD_MS, undefined, { signal }).catch(() => {})
    if (!signal.aborted) await show()
  }
}

export interface View<T> {
  summary: string
  /** What to ask the control tier for. */
  path: string
  /** Its answer for a person to read. */
  lines: (answer: T) => readonly string[]
}

/** A command that shows one answer of a control tier. */
export const defineView = <T>({ summary, path, lines }: View<T>): Command =>
  defineCommand({
    summary,
    usage: '[--url <url>] [--watch] [--json]',
    options: { ...controlTierOptions, ...watchOption },
    optionDocs: { ...controlTierOptionDocs, ...watchOptionDoc },
    async run({ values }, { env, stdout, signal }) {
      const tier = new ControlTier(values.url, env)
      await showWatched(values.watch, signal, async () => {
        const answer = await tier.get<T>(path)
        for (const line of values.json ? [JSON.stringify(answer)] : lines(answer)) stdout(line)
      })
    }
  })
