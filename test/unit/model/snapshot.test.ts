import { describe, expect, it } from 'vitest'
import { hostsOf } from '../../../src/model/snapshot.ts'
import { makePod as pod } from '../../support/registry/make-pod.ts'
import { takeSnapshot } from '../../support/registry/take-snapshot.ts'

describe('Snapshot', () => {
  it('orders the pods by sequence number', () => {
    expect(takeSnapshot([pod(2), pod(0), pod(1)]).pods.map(({ seq }) => seq)).toEqual([0, 1, 2])
  })

  it('writes the digest as hex pairs', () => {
    expect(takeSnapshot([]).digest).toMatch(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/)
  })

  it('gives the same digest whatever the order of arrival', () => {
    expect(takeSnapshot([pod(1), pod(0)]).digest).toBe(takeSnapshot([pod(0), pod(1)]).digest)
  })

  it.each([
    ['nonce', { nonce: 'aa' }],
    ['ip', { ip: '10.9.9.9' }],
    ['payload', { payload: { eip: '1.2.3.4' } }],
    ['seq', { seq: 9 }]
  ])('changes the digest with the %s', (_field, change) => {
    expect(takeSnapshot([pod(0, change)]).digest).not.toBe(takeSnapshot([pod(0)]).digest)
  })

  it('does not change the digest with the time of the first keepalive', () => {
    expect(takeSnapshot([pod(0, { firstSeen: 5 })]).digest).toBe(takeSnapshot([pod(0)]).digest)
  })
})

describe('hostsOf', () => {
  it('sorts the apps and keeps the addresses in sequence order', () => {
    const snapshot = takeSnapshot([pod(3, { app: '10' }), pod(1), pod(2, { app: '2' }), pod(0)])

    expect([...hostsOf(snapshot, undefined)]).toEqual([
      ['10', ['10.0.0.3']],
      ['2', ['10.0.0.2']],
      ['web', ['10.0.0.0', '10.0.0.1']]
    ])
  })

  it('leaves the proxies out', () => {
    expect([...hostsOf(takeSnapshot([pod(0), pod(1, { app: 'haproxy' })]), 'haproxy').keys()]).toEqual(['web'])
  })
})
