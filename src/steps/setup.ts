import type { Action } from '../lifecycle/step-runner.ts'

export interface SetupDeps {
  /** Makes the base configuration; adopts HAProxy or starts it with the last good one. */
  driver: { start(): Promise<void> }
  /** Tells the masters where clients find this proxy, if HAProxy serves already. */
  announce: () => Promise<void>
  /** Writes telegraf.conf and starts telegraf, where figures are wanted. */
  prepareStatistics: () => Promise<void>
}

/** Everything that later steps build on. Repeating it does no harm. */
export const setupStep =
  ({ driver, announce, prepareStatistics }: SetupDeps): Action =>
  async () => {
    await driver.start()
    await announce()
    await prepareStatistics()
    return 'done'
  }
