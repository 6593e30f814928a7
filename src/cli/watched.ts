import { setTimeout as sleep } from 'node:timers/promises'

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
