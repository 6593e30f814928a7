import type { Sample } from './sample.ts'

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
