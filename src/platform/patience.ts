import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for work that goes on by itself, and no longer than this. */
export async function noLongerThan(ms: number, work: Promise<void>): Promise<void> {
  const done = new AbortController()
  // It holds the process, as what is waited for may not.
  const patience = sleep(ms, undefined, { signal: done.signal }).catch(() => {})
  await Promise.race([work, patience]).finally(() => done.abort())
}
