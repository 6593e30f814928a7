import type { Logger } from '../platform/logger.ts'
import type { DnsEvent } from './dns-status.ts'

/** One line for each thing that happened, at the level of who must act. */
export function logDnsEvent(logger: Logger, event: DnsEvent): void {
  if (event.kind === 'kept') {
    logger.warn('no live proxy has an external address, dns records are left as they are')
    return
  }
  const { name, type, ttl, wanted: to, zone, changeId, lastError } = event.record
  switch (event.kind) {
    case 'changed':
      logger.info({ name, type, ttl, from: event.from, to, zone, changeId }, 'dns record changed')
      return
    case 'planned':
      logger.info({ name, type, ttl, from: event.from, to, zone }, 'dns record would change, held back')
      return
    case 'drifted':
      logger.warn({ name, type, found: event.from, wanted: to, zone }, 'dns record was changed by somebody else')
      return
    case 'insync':
      logger.info({ name, type, changeId }, 'dns record is on all name servers')
      return
    case 'failed':
      logger.error({ name, type, wanted: to, ...lastError }, 'dns record is not in line')
      return
  }
}
