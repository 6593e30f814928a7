import type { ReconfigurationLog } from './reconfiguration-log.ts'
import type { Action } from '../lifecycle/step-runner.ts'

export interface Restarter {
  /** Reloads with the pending candidate and proves it, or rolls back and throws. */
  restart(signal: AbortSignal): Promise<{ outcome: 'unchanged' | 'started' | 'reloaded' }>
}

export const restartStep = ({ driver, log }: { driver: Restarter; log: ReconfigurationLog }): Action =>
  log.tell(async ({ signal }) => {
    const { outcome } = await log.measure('restart', () => driver.restart(signal))
    log.end(outcome === 'unchanged' ? 'unchanged' : 'reloaded')
    return 'done'
  })
