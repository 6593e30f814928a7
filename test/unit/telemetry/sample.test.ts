import { describe, expect, it } from 'vitest'
import { prometheusSamples } from '../../../src/telemetry/metrics.ts'
import { putLine } from '../../../src/telemetry/sample.ts'

const at = 1_700_000_000_999

describe('putLine', () => {
  it('writes a line of the telnet protocol, in whole seconds', () => {
    expect(putLine({ metric: 'haproxy_scur', value: 3, at, tags: { proxy: 'front', app: 'haproxy' } })).toBe(
      'put haproxy_scur 1700000000 3 proxy=front app=haproxy'
    )
  })

  it('replaces what would break the line, or a name', () => {
    expect(
      putLine({ metric: 'a b', value: 0.5, at, tags: { 'k=1': 'x y\nput z', le: '+Inf', grün: 'ä', path: '/a.b-c_d' } })
    ).toBe('put a_b 1700000000 0.5 k_1=x_y_put_z le=_Inf grün=ä path=/a.b-c_d')
  })

  it('leaves out tags without a value', () => {
    expect(putLine({ metric: 'a', value: 1, at, tags: { tier: '', app: 'x' } })).toBe('put a 1700000000 1 app=x')
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('has no line for %s', (value) => {
    expect(putLine({ metric: 'a', value, at, tags: { app: 'x' } })).toBeUndefined()
  })
})

describe('prometheusSamples', () => {
  it('takes counters, gauges and the parts of a histogram', () => {
    const metrics = [
      { name: 'kontrol_pods', values: [{ value: 3, labels: { app: 'web' } }] },
      {
        name: 'kontrol_render_seconds',
        values: [{ value: 7, labels: { le: 0.1 }, metricName: 'kontrol_render_seconds_bucket' }]
      }
    ]

    expect(prometheusSamples(metrics, at)).toEqual([
      { metric: 'kontrol_pods', value: 3, at, tags: { app: 'web' } },
      { metric: 'kontrol_render_seconds_bucket', value: 7, at, tags: { le: '0.1' } }
    ])
  })
})
