import { setTimeout as sleep } from 'node:timers/promises'
import { DnsExposer } from '../dns/dns-exposer.ts'
import { parseDnsAnnotations, type DnsSettings } from '../dns/dns-settings.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'

export interface DnsDeps {
  config: Config
  clock: Clock
  logger: Logger
}

/** The Route53 stage. The SDK is loaded when the annotation first has something to write. */
export function createDns({ config, clock, logger }: DnsDeps, isLeader: () => boolean): DnsExposer {
  return new DnsExposer({
    settings: dnsSettings(config.annotations, logger),
    providerFactory: async () => (await import('../dns/route53.ts')).createRoute53Provider(),
    clock,
    logger,
    dryRun: config.dryRun,
    isLeader
  })
}

/** A wrong DNS annotation is told, and keeps nothing else from working. */
export function dnsSettings(annotations: Readonly<Record<string, string>>, logger: Logger): DnsSettings | undefined {
  try {
    return parseDnsAnnotations(annotations)
  } catch (error) {
    logger.error({ err: error }, 'dns annotations ignored')
    return undefined
  }
}

export interface Leaving {
  config: Config
  logger: Logger
  dns: DnsExposer
  /** Says goodbye to the masters. */
  farewell: () => Promise<void>
  /** Addresses of the proxies that stay, as far as this process knows them. */
  others: () => readonly string[]
}

/**
 * Takes this proxy out of service for good: goodbye, out of the record, and then
 * as long as resolvers may still name it. Without a name that is the goodbye alone.
 */
export async function leaveForGood(leaving: Leaving, signal: AbortSignal): Promise<void> {
  const { config, logger, dns, farewell, others } = leaving
  await farewell()
  if (!dns.status().enabled || config.eip === undefined) return
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
