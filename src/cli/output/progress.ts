import { setTimeout as sleep } from 'node:timers/promises'
import type { CliContext } from '../command.ts'

const SECOND_MS = 1000

/** Shows on a terminal what is waited for, once that has taken a second, and takes it away at the end. */
export async function withProgress<T>(
  { progress }: Pick<CliContext, 'progress'>,
  what: () => string | Promise<string>,
  work: Promise<T>
): Promise<T> {
  if (progress === undefined) return await work
  const ended = new AbortController()
  const shown = showing(progress, what, ended.signal)
  try {
    return await work
  } finally {
    ended.abort()
    await shown
  }
}

async function showing(
  progress: (line: string) => void,
  what: () => string | Promise<string>,
  ended: AbortSignal
): Promise<void> {
  const started = Date.now()
  let hasShown = false
  for (;;) {
    await sleep(SECOND_MS, undefined, { signal: ended }).catch(() => {})
    if (ended.aborted) break
    const line = await Promise.race([what(), sleep(SECOND_MS, '', { signal: ended }).catch(() => '')])
    if (ended.aborted) break
    progress(`${line} ${Math.round((Date.now() - started) / SECOND_MS)} s`.trimStart())
    hasShown = true
  }
  if (hasShown) progress('')
}
