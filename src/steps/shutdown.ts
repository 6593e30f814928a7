import { setTimeout as sleep } from 'node:timers/promises'
import type { Step } from './step.ts'

export interface ShutdownDeps {
  /** Says goodbye to the masters, whose leader takes this proxy out of the DNS record. */
  leave: () => Promise<void>
  /** Seconds for which resolvers may still send clients here after that; 0 when no name points here. */
  dnsTtlSeconds: () => number
  /** Lets the requests under way end, within a bound, then stops HAProxy. */
  driver: { stop(signal: AbortSignal): Promise<void> }
}

/** The order in which no client is left standing: out of the record, until it is forgotten, then HAProxy. */
export const shutdownStep =
  ({ leave, dnsTtlSeconds, driver }: ShutdownDeps): Step =>
  async ({ signal }) => {
    await leave()
    // An abort means that somebody is out of patience: HAProxy still drains.
    await sleep(dnsTtlSeconds() * 1000, undefined, { signal }).catch(() => {})
    await driver.stop(signal)
    return 'done'
  }
