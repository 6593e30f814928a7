import { DnsExposer } from '../dns/dns-exposer.ts'
import { parseDnsAnnotations, type DnsSettings } from '../dns/dns-settings.ts'
import type { Config } from '../load-config.ts'
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

/** How long clients may go on coming after this proxy has left the record. */
export function dnsTtlSeconds({ eip }: Config, dns: DnsExposer): number {
  const { enabled, records } = dns.status()
  return enabled && eip !== undefined ? Math.max(0, ...records.map(({ ttl }) => ttl)) : 0
}
