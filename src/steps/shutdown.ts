import type { Step } from './step.ts'

export interface Drainable {
  /** Lets the requests under way end, within a bound, then stops HAProxy. */
  drain(signal: AbortSignal): Promise<void>
}

export const shutdownStep =
  (driver: Drainable): Step =>
  async ({ signal }) => {
    await driver.drain(signal)
    return 'done'
  }
