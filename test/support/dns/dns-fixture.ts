import { vi } from 'vitest'
import { DnsExposer, type DnsExposerOptions } from '../../../src/dns/dns-exposer.ts'
import { parseDnsAnnotations } from '../../../src/dns/dns-settings.ts'
import type { DnsEvent, DnsRecordStatus } from '../../../src/dns/dns-status.ts'
import { createRoute53Provider } from '../../../src/dns/route53.ts'
import { FakeClock } from '../fake-clock.ts'
import { Route53Double } from './route53-double.ts'
import { recordingLogger } from '../test-logger.ts'

const PREFIX = 'haproxy.unity3d.com/route53'

export interface DnsFixture extends AsyncDisposable {
  double: Route53Double
  exposer: DnsExposer
  clock: FakeClock
  events: DnsEvent[]
  lines: Record<string, unknown>[]
  /** The one record of that name. */
  record(name: string, type?: string): DnsRecordStatus | undefined
}

/**
 * The whole stage on the real SDK against the double, time moved by hand.
 *
 * @param annotations by the end of their name: `{ '': 'foo.bar.com', ttl: '30' }`
 */
export async function startDns(
  annotations: Record<string, string>,
  options: Partial<DnsExposerOptions> = {}
): Promise<DnsFixture> {
  const double = await Route53Double.start()
  for (const [name, value] of Object.entries(double.env)) vi.stubEnv(name, value)
  const clock = new FakeClock()
  const { logger, lines } = recordingLogger()
  const exposer = new DnsExposer({
    settings: annotate(annotations),
    // One attempt of the SDK, so that a test sees each failure and waits for none of its pauses.
    providerFactory: () => createRoute53Provider({ attempts: 1, attemptTimeoutMs: 2_000 }),
    clock,
    logger,
    dryRun: false,
    isLeader: () => true,
    random: () => 0.5,
    ...options
  })
  const events: DnsEvent[] = []
  exposer.subscribe((event) => events.push(event))
  return {
    double,
    exposer,
    clock,
    events,
    lines,
    record: (name, type = 'A') => exposer.status().records.find((row) => row.name === name && row.type === type),
    async [Symbol.asyncDispose]() {
      await exposer.stop()
      await double[Symbol.asyncDispose]()
      vi.unstubAllEnvs()
    }
  }
}

export function annotate(annotations: Record<string, string>): ReturnType<typeof parseDnsAnnotations> {
  return parseDnsAnnotations(
    Object.fromEntries(
      Object.entries(annotations).map(([end, value]) => [end === '' ? PREFIX : `${PREFIX}-${end}`, value])
    )
  )
}
