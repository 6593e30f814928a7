import type { Proxy } from './proxy.ts'
import type { DnsExposer } from '../dns/dns-exposer.ts'
import { problemOf, type Problem } from '../errors.ts'
import type { ProgramEvent } from '../http/routes/events.ts'
import { Listeners } from '../platform/listeners.ts'
import type { Logger } from '../platform/logger.ts'
import type { Registry } from '../registry/registry.ts'
import { Metrics } from '../telemetry/metrics.ts'

/** Who looks on: the event stream, the metrics and the readiness probe. */
export interface Observers {
  events: Listeners<ProgramEvent>
  metrics: Metrics
  problems: () => Promise<readonly Problem[]>
}

export interface ObservedParts {
  registry: Registry | undefined
  proxy: Proxy | undefined
  dns: DnsExposer
  logger: Logger
}

const STARTING: Problem = {
  code: 'KTL_STARTING',
  message: 'The first configuration has not been applied yet',
  hint: 'Wait a moment; GET /api/v1/lifecycle tells what is being done.'
}

/** Connects the parts to those who look on; the parts know nothing of it. */
export function createObservers(parts: ObservedParts): Observers {
  const { registry, proxy, dns, logger } = parts
  const events = new Listeners<ProgramEvent>('events', logger)
  const metrics = new Metrics({
    pods: () => ({ live: registry?.size ?? 0, held: registry?.held ?? 0 }),
    lifecycleState: () => proxy?.automaton.state,
    problems: () => readinessProblems(parts).length
  })
  registry?.subscribe((event) => {
    metrics.membership(event.type)
    events.emit({ type: event.type, data: event })
  })
  proxy?.automaton.subscribe((change) => events.emit({ type: 'state', data: change }))
  proxy?.reconfigurations.subscribe((reconfiguration) => {
    metrics.reconfigured(reconfiguration)
    events.emit({ type: 'reconfigured', data: reconfiguration })
  })
  proxy?.subscribeAlarms((problem) => {
    metrics.alarm(problem.code)
    events.emit({ type: 'alarm', data: problem })
  })
  dns.subscribe((event) => {
    metrics.dnsEvent(event.kind)
    events.emit({ type: 'dns', data: event })
  })
  return { events, metrics, problems: async () => readinessProblems(parts) }
}

function readinessProblems({ registry, proxy }: ObservedParts): readonly Problem[] {
  return [
    registry?.storeProblem === undefined ? [] : problemOf(registry.storeProblem),
    proxy === undefined ? [] : proxyProblems(proxy)
  ].flat()
}

function proxyProblems({ automaton, drivesHaproxy, driver, reconfigurations }: Proxy): readonly Problem[] {
  const { lastError } = automaton.status()
  const problems = lastError === null ? [] : [lastError]
  if (!drivesHaproxy) return problems
  // A step that the driver made fail is told of already.
  const ofDriver = driver.problems().filter((problem) => problem !== automaton.problem)
  const starting = reconfigurations.entries().every(({ outcome }) => outcome === 'running')
  return [...problems, ...ofDriver, ...(starting ? [STARTING] : [])]
}
