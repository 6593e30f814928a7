/**
 * Runs a task that must end in time: the returned promise settles when the task
 * does, when `signal` is aborted, or after `timeoutMs`, even when the task
 * itself does not listen to the signal that it is handed.
 */
export async function withDeadline<T>(
  signal: AbortSignal,
  timeoutMs: number,
  task: (signal: AbortSignal) => Promise<T>
): Promise<T> {
  const controller = new AbortController()
  let giveUp: (reason: Error) => void = () => {}
  const ended = new Promise<never>((_, reject) => (giveUp = reject))
  const end = (why: string): void => {
    giveUp(new Error(why))
    controller.abort()
  }
  const onAbort = (): void => end('given up, as we are stopping')
  const timer = setTimeout(() => end(`no answer within ${timeoutMs} ms`), timeoutMs)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([ended, task(controller.signal)])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
