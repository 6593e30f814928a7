import { beforeEach, describe, expect, it } from 'vitest'
import type { Pod } from '../../../../src/model/pod.ts'
import type { KeyChange, KeyValue } from '../../../../src/registry/etcd/client.ts'
import { EtcdKeys } from '../../../../src/registry/etcd/keys.ts'
import { EtcdMirror } from '../../../../src/registry/etcd/mirror.ts'
import { recordingLogger, type RecordingLogger } from '../../../support/test-logger.ts'

const keys = new EtcdKeys({ namespace: 'default', app: 'proxy' })

const pod = (key: string, seq: number, payload?: unknown): Pod => ({
  app: 'web',
  id: key,
  ip: '10.0.0.1',
  key,
  role: 'r',
  seq,
  firstSeen: 1,
  ...(payload !== undefined && { payload })
})
const put = (of: Pod, modRevision: number, createRevision = modRevision): KeyValue => ({
  key: keys.pod(of.key),
  value: JSON.stringify(of),
  createRevision,
  modRevision
})
const gone = (key: string, modRevision: number): KeyChange => ({
  key: keys.pod(key),
  value: undefined,
  createRevision: 0,
  modRevision
})

describe('EtcdMirror', () => {
  let mirror: EtcdMirror
  let recorded: RecordingLogger
  let told: string[]

  const load = (values: KeyValue[], revision: number, clusterId = 'c1') => mirror.load({ values, revision, clusterId })
  const change = (...changes: KeyChange[]) => mirror.applyAll(changes, changes.at(-1)?.modRevision ?? 0)
  /** An own write that etcd accepted at `revision`. */
  const wrote = (of: Pod, revision: number) =>
    mirror.endWrite(of.key, { revision, pod: { pod: of, createRevision: revision, modRevision: revision } })

  beforeEach(() => {
    recorded = recordingLogger()
    mirror = new EtcdMirror({ keys, logger: recorded.logger })
    told = []
    mirror.listener = {
      onPut: ({ key, seq, payload }) => told.push(`put ${key} ${seq} ${JSON.stringify(payload) ?? '-'}`),
      onRemove: (key, seq) => told.push(`remove ${key} ${seq}`),
      onHeard: () => {},
      onCallbackRun: ({ digest, state }) => told.push(`ran ${digest} ${state}`),
      onMasterLost: () => {},
      onLeadership: () => {},
      onContact: () => {}
    }
  })

  it('tells of what others did since the listing', () => {
    load([put(pod('a', 0), 3)], 5)
    change(put(pod('a', 0, 1), 6, 3), put(pod('b', 1), 7), gone('a', 8))

    expect(told).toEqual(['put a 0 -', 'put a 0 1', 'put b 1 -', 'remove a 0'])
  })

  it('does not tell of an own write, whether its change is seen before or after the answer', () => {
    load([], 1)
    mirror.beginWrite('a')
    change(put(pod('a', 0), 2))
    wrote(pod('a', 0), 2)
    mirror.beginWrite('b')
    wrote(pod('b', 1), 3)
    change(put(pod('b', 1), 3))

    expect(told).toEqual([])
  })

  it('does not bring back by an old change a pod that it has removed', () => {
    load([], 1)
    mirror.beginWrite('a')
    wrote(pod('a', 0), 2)
    mirror.beginWrite('a')
    mirror.endWrite('a', { revision: 3, pod: undefined })
    change(put(pod('a', 0), 2), gone('a', 3))

    expect(told).toEqual([])
    expect(mirror.pods.size).toBe(0)
  })

  it('tells of a later write of another master, whenever it is seen', () => {
    load([put(pod('a', 0), 1), put(pod('b', 1), 1)], 1)
    told.length = 0
    mirror.beginWrite('a')
    change(put(pod('a', 0, 'own'), 2, 1), put(pod('a', 0, 'other'), 3, 1))
    wrote(pod('a', 0, 'own'), 2)
    mirror.beginWrite('b')
    wrote(pod('b', 1, 'own'), 4)
    change(put(pod('b', 1, 'own'), 4, 1), put(pod('b', 1, 'other'), 5, 1))

    expect(told).toEqual(['put a 0 "other"', 'put b 1 "other"'])
  })

  it('tells after a failed write what others wrote meanwhile', () => {
    load([], 1)
    mirror.beginWrite('a')
    change(put(pod('a', 7), 2))
    mirror.endWrite('a')

    expect(told).toEqual(['put a 7 -'])
  })

  it('waits for the last of several own writes', () => {
    load([], 1)
    mirror.beginWrite('a')
    mirror.beginWrite('a')
    change(put(pod('a', 0, 1), 2))
    wrote(pod('a', 0, 1), 2)
    expect(told).toEqual([])
    change(put(pod('a', 0, 2), 3, 2))
    wrote(pod('a', 0, 2), 3)

    expect(told).toEqual([])
    expect(mirror.pods.get('a')?.modRevision).toBe(3)
  })

  it('finds in a new listing what was missed', () => {
    load([put(pod('a', 0), 1), put(pod('b', 1), 2), put(pod('c', 2), 3)], 3)
    told.length = 0
    const lost = load([put(pod('b', 1, 'new'), 8, 2), put(pod('c', 2), 3), put(pod('d', 3), 9)], 9)

    expect(lost).toEqual([])
    expect(told).toEqual(['remove a 0', 'put b 1 "new"', 'put d 3 -'])
  })

  it.each([
    ['of another cluster', 20, 'c2'],
    ['of an earlier revision', 1, 'c1']
  ])('takes a listing %s for a loss of data, and hands over what is missing', (_, revision, clusterId) => {
    load([put(pod('a', 0), 10), put(pod('b', 1), 11)], 12)
    told.length = 0
    const lost = load([put(pod('b', 1, 'restored'), 1)], revision, clusterId)

    expect(lost).toEqual([pod('a', 0)])
    expect(told).toEqual(['put b 1 "restored"'])
  })

  it('believes the later of two words on the counter and on the leader', () => {
    load([], 1)
    mirror.learnSeq({ value: '5', modRevision: 9 })
    mirror.learnLeader({ value: 'me', modRevision: 9, createRevision: 9 })
    change({ key: keys.leader, value: undefined, createRevision: 0, modRevision: 7 })
    change({ key: keys.seq, value: '4', createRevision: 1, modRevision: 8 })

    expect(mirror.leader.value).toBe('me')
    expect(mirror.seq.value).toBe('5')
  })

  it('passes over a pod that it cannot read, and says so', () => {
    load([{ ...put(pod('a', 0), 1), value: 'not JSON' }, put(pod('b', 1), 2)], 2)

    expect([...mirror.pods.keys()]).toEqual(['b'])
    expect(mirror.skipped).toBe(1)
    expect(mirror.nextSeq).toBe(2)
    expect(recorded.lines).toMatchObject([{ msg: 'value in etcd skipped', key: keys.pod('a') }])
  })
})
