import { writeFileAtomic } from '../platform/atomic-file.ts'
import type { Action } from '../lifecycle/step-runner.ts'

export interface SetupDeps {
  /** Makes the base configuration; adopts HAProxy or starts it with the last good one. */
  driver: { start(): Promise<void> }
  payloadFile: string
  /** External address of this proxy. */
  eip: string | undefined
  /** Writes telegraf.conf and starts telegraf, where figures are wanted. */
  prepareStatistics: () => Promise<void>
}

/** Everything that later steps build on. Repeating it does no harm. */
export const setupStep =
  ({ driver, payloadFile, eip, prepareStatistics }: SetupDeps): Action =>
  async () => {
    if (eip !== undefined) await writeFileAtomic(payloadFile, JSON.stringify({ eip }))
    await driver.start()
    await prepareStatistics()
    return 'done'
  }
