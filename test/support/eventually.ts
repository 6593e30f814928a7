import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Tries until `attempt` neither throws nor returns false or undefined, and
 * gives back what it returned; fails with its last error after `timeoutMs`.
 */
export async function eventually<T>(attempt: () => T | Promise<T>, timeoutMs = 10_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    let failure: unknown
    try {
      const value = await attempt()
      if (value !== undefined && value !== null && value !== false) return value
      failure = new Error(`still ${String(value)} after ${timeoutMs} ms`)
    } catch (error) {
      failure = error
    }
    if (Date.now() >= deadline) throw failure
    await sleep(20)
  }
}
