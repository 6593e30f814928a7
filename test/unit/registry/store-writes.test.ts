import { beforeEach, describe, expect, it } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import type { Pod } from '../../../src/model/pod.ts'
import { StoreWrites } from '../../../src/registry/store-writes.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { keepaliveOf } from '../../support/load/known-pods.ts'
import { emptyShelf, MemoryStore, type MemoryShelf } from '../../support/registry/memory-store.ts'
import { recordingLogger, type RecordingLogger } from '../../support/test-logger.ts'

const settled = (): Promise<void> => new Promise(setImmediate)

describe('removals that the store does not take', () => {
  let clock: FakeClock
  let shelf: MemoryShelf
  let store: MemoryStore
  let recorded: RecordingLogger
  let writes: StoreWrites
  const admit = async (pod: number): Promise<Pod> => await writes.admit({ ...keepaliveOf(pod, 1), firstSeen: 0 })

  beforeEach(() => {
    clock = new FakeClock()
    shelf = emptyShelf()
    store = new MemoryStore(shelf)
    recorded = recordingLogger()
    writes = new StoreWrites(store, recorded.logger, clock)
  })

  it('are tried again until it does, with growing pauses, and no pod comes back by a restart', async () => {
    const pods = [await admit(1), await admit(2)]
    store.failure = new KontrolError('KTL_STORE_UNAVAILABLE', 'disk full')
    for (const pod of pods) writes.remove([pod])
    await settled()
    clock.advance(1_000)
    await settled()
    expect(shelf.pods.size).toBe(2)
    expect(writes.problem).toBe(store.failure)

    store.failure = undefined
    clock.advance(2_000)
    await settled()

    expect(shelf.pods.size).toBe(0)
    expect(writes.problem).toBeUndefined()
    expect(recorded.lines.map(({ msg, pods: count }) => [msg, count])).toEqual([
      ['pods not removed from the store', 1],
      ['pods not removed from the store', 2]
    ])
  })

  it('leave a pod that is back alone', async () => {
    const pod = await admit(1)
    store.failure = new Error('disk full')
    writes.remove([pod])
    await settled()
    store.failure = undefined
    const { seq } = await admit(1)
    const before = store.writes
    clock.advance(60_000)
    await settled()

    expect([...shelf.pods.values()].map((known) => known.seq)).toEqual([seq])
    expect(store.writes).toBe(before)
  })

  it('are not tried by who was told to stop', async () => {
    const pod = await admit(1)
    store.failure = new Error('disk full')
    writes.remove([pod])
    await settled()
    writes.stop()
    // One that was under way then.
    writes.remove([pod])
    await settled()
    const before = store.writes
    clock.advance(600_000)
    await settled()

    expect(store.writes).toBe(before)
  })
})
