import { describe, expect, it } from 'vitest'
import { BuiltInState } from '../../../src/controller/built-in-state.ts'
import { takeSnapshot } from '../../../src/model/snapshot.ts'

const pod = (seq: number, app: string) => ({
  app,
  id: `${app}-${seq}`,
  ip: `10.0.0.${seq}`,
  key: `k${seq}`,
  role: 'r',
  seq,
  firstSeen: 0
})

describe('BuiltInState', () => {
  it('is nothing before the first pod, then the hosts and the digest, also when all have left', () => {
    let snapshot = takeSnapshot([])
    const state = new BuiltInState({ registry: { snapshot: () => snapshot }, ownApp: 'haproxy' })
    expect(state.text()).toBeUndefined()

    snapshot = takeSnapshot([pod(1, 'web'), pod(2, 'haproxy'), pod(3, '10')])
    expect(state.text()).toBe(`{"hosts": {"10": ["10.0.0.3"], "web": ["10.0.0.1"]}, "md5": "${snapshot.digest}"}`)

    snapshot = takeSnapshot([])
    expect(JSON.parse(state.text() ?? '')).toEqual({ hosts: {}, md5: snapshot.digest })
  })
})
