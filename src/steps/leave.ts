import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../platform/logger.ts'

export interface LeaveDeps {
  /** Says goodbye to the masters. */
  sayGoodbye: () => Promise<void>
  dns: {
    expose(addresses: readonly string[], signal: AbortSignal): Promise<unknown>
    status(): { enabled: boolean; records: readonly { ttl: number }[] }
  }
  /** Whether this proxy may stand in the record. */
  isExposed: boolean
  /** Addresses of the proxies that stay, as far as this process knows them. */
  others: () => readonly string[]
  logger: Logger
}

/**
 * Takes this proxy out of service for good: goodbye, out of the record, and then
 * as long as resolvers may still name it. Without a name that is the goodbye alone.
 */
export async function leaveForGood(deps: LeaveDeps, signal: AbortSignal): Promise<void> {
  const { sayGoodbye, dns, isExposed, others, logger } = deps
  await sayGoodbye()
  if (!dns.status().enabled || !isExposed) return
  try {
    await dns.expose(others(), signal)
  } catch (error) {
    logger.error({ err: error }, 'this proxy may still stand in the dns record')
  }
  const seconds = Math.max(0, ...dns.status().records.map(({ ttl }) => ttl))
  logger.info({ seconds }, 'waiting until resolvers have forgotten this proxy')
  // An abort means that somebody is out of patience.
  await sleep(seconds * 1000, undefined, { signal }).catch(() => {})
}
