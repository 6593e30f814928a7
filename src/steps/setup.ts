import type { Action } from '../lifecycle/step-runner.ts'

export interface SetupDeps {
  /** Makes the base configuration; adopts HAProxy or starts it with the last good one. */
  driver: {
    start(): Promise<void>
    /** Whether HAProxy has anything to serve. */
    readonly isConfigured: boolean
  }
  /** Where clients find this proxy. */
  external: { tell(): Promise<void> }
  /** Steps of the operator's own configure HAProxy, and nobody says when. */
  othersConfigure: boolean
  /** Writes telegraf.conf and starts telegraf, where figures are wanted. */
  prepareStatistics: () => Promise<void>
}

/** Everything that later steps build on. Repeating it does no harm. */
export const setupStep =
  ({ driver, external, othersConfigure, prepareStatistics }: SetupDeps): Action =>
  async () => {
    await driver.start()
    if (driver.isConfigured || othersConfigure) await external.tell()
    await prepareStatistics()
    return 'done'
  }
