import { describe, expect, it } from 'vitest'
import { HeardReport, parseHeardReport } from '../../../../src/registry/etcd/digest.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

describe('HeardReport', () => {
  it('tells each pod once, with the time since it was heard last, never rounded up', () => {
    const clock = new FakeClock()
    const report = new HeardReport(clock)
    report.add('a')
    report.add('b')
    clock.advance(600)
    report.add('a')
    clock.advance(499)

    expect(report.take().flatMap(parseHeardReport)).toEqual([
      [250, ['a']],
      [1000, ['b']]
    ])
    expect(report.take().flatMap(parseHeardReport)).toEqual([])
  })

  it('splits what would be too much for one request', () => {
    const report = new HeardReport(new FakeClock())
    const keys = Array.from({ length: 40_000 }, (_, i) => `${i}`.padStart(63, '0'))
    for (const key of keys) report.add(key)
    const parts = report.take()

    for (const part of parts) expect(part.length).toBeLessThan(1024 * 1024)
    expect(parts.flatMap(parseHeardReport).flatMap(([, part]) => part)).toEqual(keys)
  })

  it.each(['', 'null', '{"v":2}', '[1,["x"]]', 'not JSON'])('takes %j for no report', (text) => {
    expect(parseHeardReport(text)).toEqual([])
  })
})
