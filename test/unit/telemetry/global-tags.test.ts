import { describe, expect, it } from 'vitest'
import { globalTags } from '../../../src/telemetry/global-tags.ts'

describe('globalTags', () => {
  it('chooses the labels that the original chose, without their prefix, sorted', () => {
    const node = { 'kubernetes.io/hostname': 'ip-10-0-3-17', 'unity3d.com/array': 'front', 'kubernetes.io/os': 'linux' }
    const pod = { app: 'haproxy', role: 'balancer', tier: 'traffic', 'pod-template-hash': '5d9c7b6f4' }

    const tags = globalTags(node, pod)

    expect(tags).toEqual({ app: 'haproxy', array: 'front', hostname: 'ip-10-0-3-17', role: 'balancer' })
    expect(Object.keys(tags)).toEqual(['app', 'array', 'hostname', 'role'])
  })

  it("lets the pod's own label win over the node's", () => {
    expect(globalTags({ app: 'node', 'unity3d.com/zone': 'a' }, { app: 'pod', 'x.unity3d.com/zone': 'b' })).toEqual({
      app: 'pod',
      zone: 'b'
    })
  })
})
