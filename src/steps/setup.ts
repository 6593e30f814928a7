import { writeFileAtomic } from '../platform/atomic-file.ts'
import type { Step } from './step.ts'

export interface SetupDeps {
  /** Makes the base configuration; adopts HAProxy or starts it with the last good one. */
  driver: { start(): Promise<void> }
  payloadFile: string
  /** External address of this proxy. */
  eip: string | undefined
}

/** Everything that later steps build on. Repeating it does no harm. */
export const setupStep =
  ({ driver, payloadFile, eip }: SetupDeps): Step =>
  async () => {
    if (eip !== undefined) await writeFileAtomic(payloadFile, JSON.stringify({ eip }))
    await driver.start()
    return 'done'
  }
