import type { Proxy } from './proxy.ts'
import type { ServiceDeps } from './service.ts'
import type { CallbackRunner } from '../controller/callback.ts'
import type { DnsExposer } from '../dns/dns-exposer.ts'
import type { Problem } from '../errors.ts'
import type { ProgramEvent } from '../http/event-history.ts'
import { isoTime, withIsoTimes } from '../model/iso-time.ts'
import { certificateEnd } from '../platform/certificate-end.ts'
import { Listeners } from '../platform/listeners.ts'
import type { RegistryEvent } from '../registry/membership.ts'
import type { Registry } from '../registry/registry.ts'
import type { KeepaliveLoop } from '../slave/keepalive-loop.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { PartSources } from '../telemetry/part-gauges.ts'

// What is told of the parts, to metrics and to whoever follows the events; the parts know nothing of it.

interface MeasuredParts extends Pick<ServiceDeps, 'config'> {
  registry: Registry | undefined
  slave: KeepaliveLoop | undefined
  dns: DnsExposer
  proxy: Proxy | undefined
  callback: CallbackRunner | undefined
}

/** What of it there is, as the metrics ask for it. */
export function partsOf({ config, registry, slave, dns, proxy, callback }: MeasuredParts): PartSources {
  const { tlsCert } = config
  // Of the one that is served: it is read at a start, and so a renewed file ends no alert.
  const end = tlsCert === undefined ? undefined : certificateEnd(tlsCert)
  return {
    haproxyRuns: proxy?.drivesHaproxy === true ? () => proxy.driver.isUp : undefined,
    leads: registry && (() => registry.leading),
    storeReachable: registry && (() => registry.storeProblem === undefined),
    callback: callback && (() => callback.status()),
    dnsRecords: () => dns.status().records.map(({ lastError }) => ({ failed: lastError !== undefined })),
    masters: slave && (() => slave.status()),
    certificateEnd: end === undefined ? undefined : () => end
  }
}

interface ObservedParts extends Pick<ServiceDeps, 'clock' | 'logger'> {
  alarms: Listeners<Problem>
  registry: Registry | undefined
  proxy: Proxy | undefined
  dns: DnsExposer
  metrics: Metrics
}

/** Connects the parts to the events and the metrics; the parts know nothing of it. */
export function tellOfAll(parts: ObservedParts): Listeners<ProgramEvent> {
  const { clock, logger, alarms, registry, proxy, dns, metrics } = parts
  const events = new Listeners<ProgramEvent>('events', logger)
  const tell = (type: string, data: object): void => events.emit({ type, data: { at: isoTime(clock.now()), ...data } })
  registry?.subscribe((event) => {
    metrics.membership(event.type)
    tell(event.type, shownMembership(event))
  })
  proxy?.automaton.subscribe((change) => tell('state', withIsoTimes(change, 'at')))
  proxy?.reconfigurations.subscribe((reconfiguration) => {
    metrics.reconfigured(reconfiguration)
    tell('reconfigured', withIsoTimes(reconfiguration, 'causedAt', 'startedAt'))
  })
  const onAlarm = (problem: Problem): void => {
    metrics.alarm(problem.code)
    tell('alarm', problem)
  }
  alarms.subscribe(onAlarm)
  proxy?.subscribeAlarms(onAlarm)
  proxy?.driver.subscribeBackends((event) => tell('backend', event))
  dns.subscribe((event) => {
    metrics.dnsEvent(event.kind)
    tell('dns', 'record' in event ? { ...event, record: withIsoTimes(event.record, 'lastChecked') } : event)
  })
  return events
}

function shownMembership(event: RegistryEvent): object {
  if ('pod' in event) return { ...event, pod: withIsoTimes(event.pod, 'firstSeen') }
  if ('pods' in event) return { ...event, pods: event.pods.map((pod) => withIsoTimes(pod, 'firstSeen')) }
  return event
}
