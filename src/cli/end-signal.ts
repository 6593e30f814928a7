/** Aborted when the process is asked to end. A second request ends it at once: the first may hang. */
export function endSignal(onForced: () => void = () => {}): AbortSignal {
  const controller = new AbortController()
  const ask = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) onForced()
    if (controller.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143)
    controller.abort()
  }
  process.on('SIGINT', ask)
  process.on('SIGTERM', ask)
  return controller.signal
}
