import type { Proxy } from './proxy.ts'
import type { DnsExposer } from '../dns/dns-exposer.ts'
import { EventHub } from '../http/event-hub.ts'
import type { ReadinessProblem } from '../http/routes/health.ts'
import type { Registry } from '../registry/registry.ts'
import { Metrics } from '../telemetry/metrics.ts'

/** Who looks on: the event stream, the metrics and the readiness probe. */
export interface Observers {
  hub: EventHub
  metrics: Metrics
  problems: () => Promise<readonly ReadinessProblem[]>
}

export interface ObservedParts {
  registry: Registry | undefined
  proxy: Proxy | undefined
  dns: DnsExposer
}

const STARTING: ReadinessProblem = {
  code: 'KTL_STARTING',
  message: 'The first configuration has not been applied yet',
  hint: 'Wait a moment; GET /api/v1/lifecycle tells what is being done.'
}

/** Connects the parts to those who look on; the parts know nothing of it. */
export function createObservers(parts: ObservedParts): Observers {
  const { registry, proxy, dns } = parts
  const hub = new EventHub()
  const metrics = new Metrics({
    pods: () => ({ live: registry?.size ?? 0, held: registry?.held ?? 0 }),
    lifecycleState: () => proxy?.automaton.state,
    problems: () => readinessProblems(parts).length
  })
  registry?.subscribe((event) => {
    metrics.membership(event.type)
    hub.publish(event.type, event)
  })
  proxy?.automaton.subscribe((change) => hub.publish('state', change))
  proxy?.reconfigurations.subscribe((reconfiguration) => {
    metrics.reconfigured(reconfiguration)
    hub.publish('reconfigured', reconfiguration)
  })
  proxy?.subscribeAlarms((problem) => {
    metrics.alarm(problem.code)
    hub.publish('alarm', problem)
  })
  dns.subscribe((event) => {
    metrics.dnsEvent(event.kind)
    hub.publish('dns', event)
  })
  return { hub, metrics, problems: async () => readinessProblems(parts) }
}

function readinessProblems({ registry, proxy }: ObservedParts): readonly ReadinessProblem[] {
  const problems: ReadinessProblem[] = [
    registry?.storeProblem ?? [],
    proxy === undefined ? [] : proxyProblems(proxy)
  ].flat()
  // A step that failed and the driver that made it fail say the same.
  return problems.filter(({ message }, index) => problems.findIndex((other) => other.message === message) === index)
}

function proxyProblems({ automaton, drivesHaproxy, driver, reconfigurations }: Proxy): readonly ReadinessProblem[] {
  const { lastError } = automaton.status()
  const problems = lastError === null ? [] : [lastError]
  if (!drivesHaproxy) return problems
  const starting = reconfigurations.entries().every(({ outcome }) => outcome === 'running')
  return [...problems, ...driver.problems(), ...(starting ? [STARTING] : [])]
}
