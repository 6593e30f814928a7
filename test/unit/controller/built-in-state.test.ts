import { describe, expect, it } from 'vitest'
import { BuiltInState } from '../../../src/controller/built-in-state.ts'
import { takeSnapshot } from '../../support/registry/take-snapshot.ts'
import { makePod as pod } from '../../support/registry/make-pod.ts'

describe('BuiltInState', () => {
  it('is nothing before the first pod, then the hosts and the digest, also when all have left', () => {
    let snapshot = takeSnapshot([])
    const state = new BuiltInState({ registry: { snapshot: () => snapshot }, ownApp: 'haproxy' })
    expect(state.text()).toBeUndefined()

    snapshot = takeSnapshot([pod(1, { app: 'web' }), pod(2, { app: 'haproxy' }), pod(3, { app: '10' })])
    expect(state.text()).toBe(`{"hosts": {"10": ["10.0.0.3"], "web": ["10.0.0.1"]}, "md5": "${snapshot.digest}"}`)

    snapshot = takeSnapshot([])
    expect(JSON.parse(state.text() ?? '')).toEqual({ hosts: {}, md5: snapshot.digest })
  })
})
