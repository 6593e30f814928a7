import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { LimitUse } from '../model/limits.ts'
import type { Reconfiguration } from '../model/reconfiguration.ts'
import { programVersion } from '../platform/process/program-version.ts'
import { partGauges, type PartSources } from './part-gauges.ts'
import type { Sample } from './sample.ts'

/** What is read when somebody asks, rather than counted as it happens. */
export interface MetricSources {
  pods: () => { live: number; held: number }
  /** Whether no step of the automaton is under way, as ever where there is none. */
  atRest: () => boolean
  problems: () => number
  /** Backends that clients are sent to, without a server that takes requests. */
  unusableBackends: () => number
  /** Values of the store that were no pod. */
  skippedValues: () => number
  /** Pods that the configuration is without. */
  leftOutPods: () => number
}

/**
 * The program's own figures for Prometheus. No label holds what the network can
 * choose, such as an app or an address: a thousand apps must not make a
 * thousand series.
 */
export class Metrics {
  readonly #registry = new Registry()
  readonly #keepalives: Counter
  readonly #refusedKeepalives: Counter<'code'>
  readonly #membership: Counter<'event'>
  readonly #reconfigurations: Counter<'plan' | 'outcome'>
  readonly #phases: Histogram<'phase'>
  readonly #changes: Histogram<'plan'>
  readonly #lastEnd: Gauge<'outcome'>
  readonly #operations: Counter
  readonly #dns: Counter<'event'>
  readonly #alarms: Counter<'code'>

  constructor({ pods, atRest, problems, unusableBackends, skippedValues, leftOutPods }: MetricSources) {
    const registers = [this.#registry]
    collectRuntime(this.#registry)
    this.#keepalives = new Counter({
      name: 'kontrol_keepalives_total',
      help: 'Keepalives taken, over HTTP and ZeroRPC',
      registers
    })
    this.#refusedKeepalives = new Counter({
      name: 'kontrol_keepalives_refused_total',
      help: 'Keepalives refused, by code of the error',
      labelNames: ['code'],
      registers
    })
    this.#membership = new Counter({
      name: 'kontrol_membership_events_total',
      help: 'Changes of the set of pods, by kind',
      labelNames: ['event'],
      registers
    })
    this.#reconfigurations = new Counter({
      name: 'kontrol_reconfigurations_total',
      help: 'Reconfigurations, by plan and outcome',
      labelNames: ['plan', 'outcome'],
      registers
    })
    this.#phases = new Histogram({
      name: 'kontrol_reconfiguration_phase_seconds',
      help: 'Time that each phase of a round took',
      labelNames: ['phase'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers
    })
    this.#changes = new Histogram({
      name: 'kontrol_change_seconds',
      help: 'From what caused a change, such as the first keepalive of a pod, until HAProxy serves it, by plan',
      labelNames: ['plan'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers
    })
    this.#lastEnd = new Gauge({
      name: 'kontrol_reconfiguration_last_timestamp_seconds',
      help: 'When the last round of the automaton ended, by whether it was good or failed',
      labelNames: ['outcome'],
      registers
    })
    this.#operations = new Counter({
      name: 'kontrol_runtime_operations_total',
      help: 'Operations carried out through the runtime API of HAProxy',
      registers
    })
    this.#alarms = new Counter({
      name: 'kontrol_alarms_total',
      help: 'What went wrong behind a change that was live already, by code of the error',
      labelNames: ['code'],
      registers
    })
    this.#dns = new Counter({
      name: 'kontrol_dns_events_total',
      help: 'What happened to the DNS records, by kind',
      labelNames: ['event'],
      registers
    })
    gauge(this.#registry, 'kontrol_pods', 'Pods that are known to be alive', () => pods().live)
    gauge(this.#registry, 'kontrol_pods_held', 'Pods kept although they are silent', () => pods().held)
    gauge(
      this.#registry,
      'kontrol_store_values_skipped',
      'Values in the store of the registry that were no pod, since the start: see the log',
      skippedValues
    )
    gauge(
      this.#registry,
      'kontrol_pods_left_out',
      'Live pods that are not in the configuration, as it would fail with them or change its meaning: see the log',
      leftOutPods
    )
    gauge(this.#registry, 'kontrol_problems', 'Reasons why this process is not ready', problems)
    gauge(
      this.#registry,
      'kontrol_backends_unusable',
      'Backends that clients are sent to, without a server that takes requests',
      unusableBackends
    )
    gauge(this.#registry, 'kontrol_lifecycle_at_rest', '1 while no step of the automaton is under way', () =>
      atRest() ? 1 : 0
    )
    new Gauge({
      name: 'kontrol_build_info',
      help: 'Always 1; the labels tell what runs',
      labelNames: ['version', 'node'],
      registers
    }).set({ version: programVersion, node: process.versions.node }, 1)
  }

  /** To be called once. */
  watchParts(parts: PartSources): void {
    for (const [name, help, read] of partGauges(parts)) {
      if (read !== undefined) gauge(this.#registry, name, help, () => read() ?? 0)
    }
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  render(): Promise<string> {
    return this.#registry.metrics()
  }

  /** The same figures for the OpenTSDB relay. */
  async samples(at: number): Promise<Sample[]> {
    return prometheusSamples(await this.#registry.getMetricsAsJSON(), at)
  }

  /** How much of each limit is used. Whose it is stays untold, as the network chooses that. */
  watchLimits(uses: () => readonly LimitUse[]): void {
    const registers = [this.#registry]
    const labelNames = ['limit'] as const
    new Gauge({
      name: 'kontrol_limit_used',
      help: 'How much of a limit is used, by limit; where each app or sender has one of its own, by the largest',
      labelNames,
      registers,
      collect() {
        for (const { limit, used } of uses()) this.set({ limit }, used)
      }
    })
    new Gauge({
      name: 'kontrol_limit_max',
      help: 'The limit itself',
      labelNames,
      registers,
      collect() {
        for (const { limit, max } of uses()) this.set({ limit }, max)
      }
    })
  }

  keepalive(): void {
    this.#keepalives.inc()
  }

  keepaliveRefused(code: string): void {
    this.#refusedKeepalives.inc({ code })
  }

  membership(event: string): void {
    this.#membership.inc({ event })
  }

  alarm(code: string): void {
    this.#alarms.inc({ code })
  }

  dnsEvent(event: string): void {
    this.#dns.inc({ event })
  }

  reconfigured({ plan, outcome, phases, operations, causedAt }: Reconfiguration): void {
    const now = Date.now()
    const changed = outcome === 'applied' || outcome === 'reloaded'
    if (changed && plan !== null) this.#changes.observe({ plan }, Math.max(0, now - causedAt) / 1000)
    this.#lastEnd.set({ outcome: outcome === 'failed' ? 'failed' : 'good' }, now / 1000)
    this.#reconfigurations.inc({ plan: plan ?? 'none', outcome })
    this.#operations.inc(operations)
    for (const [phase, ms] of Object.entries(phases)) this.#phases.observe({ phase }, ms / 1000)
  }
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    }
  })
}

/** Node's own figures, without those whose names `promtool check metrics` refuses. */
function collectRuntime(registry: Registry): void {
  collectDefaultMetrics({ register: registry })
  for (const name of ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']) {
    registry.removeSingleMetric(name)
  }
}

/** A metric as prom-client's `getMetricsAsJSON` gives it. */
export interface PrometheusMetric {
  name: string
  values: readonly {
    value: number
    labels: Readonly<Partial<Record<string, string | number>>>
    /** Differs from the metric's own for the parts of a histogram or a summary. */
    metricName?: string
  }[]
}

/**
 * Our own figures, from the registry that `/metrics` prints.
 *
 * @param at milliseconds since the epoch
 */
export function prometheusSamples(metrics: readonly PrometheusMetric[], at: number): Sample[] {
  return metrics.flatMap(({ name, values }) =>
    values.map(({ value, labels, metricName = name }) => ({
      metric: metricName,
      value,
      at,
      tags: Object.fromEntries(Object.entries(labels).map(([key, label]) => [key, String(label ?? '')]))
    }))
  )
}
