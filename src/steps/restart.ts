import type { ReconfigurationLog } from './reconfiguration-log.ts'
import type { Step } from './step.ts'

export interface Restarter {
  /** Reloads with the pending candidate and proves it, or rolls back and throws. */
  restart(signal: AbortSignal): Promise<void>
}

export const restartStep =
  ({ driver, log }: { driver: Restarter; log: ReconfigurationLog }): Step =>
  async ({ signal }) => {
    await log.measure('restart', () => driver.restart(signal))
    log.end('reloaded')
    return 'done'
  }
