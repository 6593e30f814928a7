import { describe, expect, it } from 'vitest'
import { Metrics } from '../../../src/telemetry/metrics.ts'

const start = () =>
  new Metrics({
    pods: () => ({ live: 7, held: 2 }),
    atRest: () => true,
    problems: () => 1,
    unusableBackends: () => 4,
    skippedValues: () => 3,
    leftOutPods: () => 2
  })

describe('Metrics', () => {
  it('counts what happens, by kinds that the program chooses and not the network', async () => {
    const metrics = start()

    metrics.keepalive()
    metrics.membership('pod-up')
    metrics.dnsEvent('failed')
    metrics.alarm('KTL_HAPROXY_CONFIG_REJECTED')
    metrics.reconfigured({
      ...{
        id: 1,
        cause: 'c',
        causedAt: 0,
        startedAt: 0,
        plan: 'runtime',
        operations: 3,
        reasons: [],
        error: null,
        diff: ''
      },
      phases: { render: 2, configure: 30 },
      outcome: 'applied'
    })

    const text = await metrics.render()
    for (const line of [
      'kontrol_keepalives_total 1',
      'kontrol_membership_events_total{event="pod-up"} 1',
      'kontrol_dns_events_total{event="failed"} 1',
      'kontrol_alarms_total{code="KTL_HAPROXY_CONFIG_REJECTED"} 1',
      'kontrol_reconfigurations_total{plan="runtime",outcome="applied"} 1',
      'kontrol_runtime_operations_total 3',
      'kontrol_reconfiguration_phase_seconds_sum{phase="configure"} 0.03'
    ]) {
      expect(text).toContain(line)
    }
  })

  it('reads the gauges when somebody asks', async () => {
    const text = await start().render()

    expect(text).toMatch(/^kontrol_pods 7$/m)
    expect(text).toMatch(/^kontrol_pods_held 2$/m)
    expect(text).toMatch(/^kontrol_problems 1$/m)
    expect(text).toMatch(/^kontrol_store_values_skipped 3$/m)
    expect(text).toMatch(/^kontrol_pods_left_out 2$/m)
    expect(text).toMatch(/^kontrol_lifecycle_at_rest 1$/m)
  })

  it('counts as unreachable the masters that did not take the last keepalive, and none that was not asked', async () => {
    const metrics = start()
    metrics.watchParts({ masters: () => [{ failures: 0 }, { failures: 2 }, { failures: 0 }] })

    const text = await metrics.render()

    expect(text).toMatch(/^kontrol_masters 3$/m)
    expect(text).toMatch(/^kontrol_masters_unreachable 1$/m)
  })

  it('hands the same figures to the OpenTSDB relay', async () => {
    const metrics = start()
    metrics.membership('pod-down')

    const samples = await metrics.samples(1000)

    expect(samples).toContainEqual({
      metric: 'kontrol_membership_events_total',
      value: 1,
      at: 1000,
      tags: { event: 'pod-down' }
    })
  })
})
