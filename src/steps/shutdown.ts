import type { Step } from './step.ts'

export interface Drainable {
  /** Lets the requests under way end, within a bound, then stops HAProxy. */
  stop(signal: AbortSignal): Promise<void>
}

export const shutdownStep =
  (driver: Drainable): Step =>
  async ({ signal }) => {
    await driver.stop(signal)
    return 'done'
  }
