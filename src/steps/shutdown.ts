import type { Action } from '../lifecycle/step-runner.ts'

export interface ShutdownDeps {
  /** Says goodbye to the masters, and resolves once no name points here any more. */
  leave: (signal: AbortSignal) => Promise<void>
  /** Lets the requests under way end, within a bound, then stops HAProxy. */
  driver: { stop(signal: AbortSignal): Promise<void> }
}

/** The order in which no client is left standing: out of the record, until it is forgotten, then HAProxy. */
export const shutdownStep =
  ({ leave, driver }: ShutdownDeps): Action =>
  async ({ signal }) => {
    await leave(signal)
    await driver.stop(signal)
    return 'done'
  }
