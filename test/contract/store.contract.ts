import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Pod } from '../../src/model/pod.ts'
import type { NewPod, Store, StoredState, StoreListener } from '../../src/registry/store.ts'
import { eventually } from '../support/eventually.ts'

export interface StoreHarness {
  /** A store on the same data as the ones before it. */
  createStore(): Store
  dispose(): Promise<void>
}

const nobody: StoreListener = {
  onPut: () => {},
  onRemove: () => {},
  onHeard: () => {},
  onCallbackRun: () => {},
  onMasterLost: () => {},
  onLeadership: () => {},
  onContact: () => {}
}

const newPod = (key: string, more: Partial<NewPod> = {}): NewPod => ({
  app: 'web',
  id: `web-${key}`,
  ip: '10.0.0.1',
  key,
  role: 'server',
  firstSeen: 1_700_000_000_000,
  ...more
})

const byKey = (pods: readonly Pod[]): Pod[] => [...pods].sort((a, b) => (a.key < b.key ? -1 : 1))

/** What every Store must do; called once per implementation. */
export function storeContract(name: string, setUp: () => Promise<StoreHarness>): void {
  describe(`${name} fulfils the contract of a store`, () => {
    let harness: StoreHarness
    let store: Store

    const reopen = async (): Promise<StoredState> => {
      await store.close()
      store = harness.createStore()
      return store.open(nobody)
    }

    beforeEach(async () => {
      harness = await setUp()
      store = harness.createStore()
    })
    afterEach(async () => {
      await store.close()
      await harness.dispose()
    })

    it('starts with no pod and no callback state', async () => {
      expect(await store.open(nobody)).toEqual({ pods: [], lastRun: undefined, isFilled: false })
    })

    it('is filled once it was told so, and not by a pod', async () => {
      await store.open(nobody)
      await store.admit(newPod('a'))
      expect(await reopen()).toMatchObject({ isFilled: false })

      await store.filled()

      expect(await reopen()).toMatchObject({ isFilled: true })
    })

    it('counts sequence numbers from 0, in the order of admission', async () => {
      await store.open(nobody)

      const admitted = await Promise.all(['b', 'a', 'c'].map((key) => store.admit(newPod(key))))

      expect(admitted.map(({ key, seq }) => [key, seq])).toEqual([
        ['b', 0],
        ['a', 1],
        ['c', 2]
      ])
    })

    it('gives back after a restart what it was given, whatever the payload', async () => {
      await store.open(nobody)
      const payload = { eip: '203.0.113.1', 'ключ "1"': [1, 2.5, null, { deep: true }], text: 'a\n\u0000b' }
      const admitted = [
        await store.admit(newPod('a', { payload, nonce: '0123456789abcdef' })),
        await store.admit(newPod('b', { payload: '' })),
        await store.admit(newPod('c', { payload: null, ip: '2001:db8::1' })),
        await store.admit(newPod('d'))
      ]

      const { pods } = await reopen()

      expect(byKey(pods)).toEqual(admitted)
    })

    it('keeps a payload of 32 KiB', async () => {
      await store.open(nobody)
      const payload = 'x'.repeat(32 * 1024 - 2)
      await store.admit(newPod('a', { payload }))

      expect((await reopen()).pods[0]?.payload).toBe(payload)
    })

    it('replaces a pod under the same sequence number', async () => {
      await store.open(nobody)
      const pod = await store.admit(newPod('a'))
      await store.put({ ...pod, ip: '10.0.0.2', payload: { n: 2 } })

      expect((await reopen()).pods).toEqual([{ ...pod, ip: '10.0.0.2', payload: { n: 2 } }])
    })

    it('keeps the last of several changes of the same moment', async () => {
      await store.open(nobody)
      const pod = await store.admit(newPod('a'))
      await Promise.all([1, 2, 3, 4, 5].map((n) => store.put({ ...pod, payload: { n } })))

      expect((await reopen()).pods).toEqual([{ ...pod, payload: { n: 5 } }])
    })

    it('removes pods, and those that are gone already without a complaint', async () => {
      await store.open(nobody)
      const [a, b, c] = await Promise.all([
        store.admit(newPod('a')),
        store.admit(newPod('b')),
        store.admit(newPod('c'))
      ])
      await store.remove([a, c])
      await store.remove([a])

      expect((await reopen()).pods).toEqual([b])
    })

    it('does not remove a pod that came back under another sequence number', async () => {
      await store.open(nobody)
      const first = await store.admit(newPod('a'))
      await store.remove([first])
      const second = await store.admit(newPod('a'))
      await store.remove([first])

      expect((await reopen()).pods).toEqual([second])
    })

    it('brings back a pod that was removed, under its old sequence number', async () => {
      await store.open(nobody)
      const pod = await store.admit(newPod('a'))
      await store.remove([pod])
      await store.put(pod)

      expect((await reopen()).pods).toEqual([pod])
    })

    it('never gives a sequence number twice, also when its pod is gone and after a restart', async () => {
      await store.open(nobody)
      const pods = [await store.admit(newPod('a')), await store.admit(newPod('b'))]
      await store.remove(pods)
      await reopen()

      expect((await store.admit(newPod('a'))).seq).toBe(2)
    })

    it('keeps what the last run of the callback came to, as it is', async () => {
      await store.open(nobody)
      await eventually(() => store.leading)
      const { term, until } = await store.confirmLeadership()
      expect(store.leadership).toMatchObject({ term })
      expect(until).toBeGreaterThan(performance.now())
      const big = '{"md5": "bb", "big": "' + 'x'.repeat(200_000) + '"}'
      await store.saveCallbackRun({ digest: 'aa', state: undefined }, term)
      expect((await reopen()).lastRun).toEqual({ digest: 'aa', state: undefined })

      await eventually(() => store.leading)
      await store.saveCallbackRun({ digest: 'bb', state: big }, (await store.confirmLeadership()).term)

      expect((await reopen()).lastRun).toEqual({ digest: 'bb', state: big })
    })

    it('admits a thousand pods of the same moment, each under its own number', async () => {
      await store.open(nobody)
      const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`)
      const admitted = await Promise.all(keys.map((key) => store.admit(newPod(key))))

      expect(new Set(admitted.map(({ seq }) => seq)).size).toBe(1000)
      expect((await reopen()).pods).toHaveLength(1000)
    })

    it('leads when it is alone', async () => {
      await store.open(nobody)

      expect(await eventually(() => store.leading)).toBe(true)
    })

    it('rejects a write with KTL_STORE_UNAVAILABLE once it is closed', async () => {
      await store.open(nobody)
      await store.close()

      await expect(store.admit(newPod('a'))).rejects.toMatchObject({ code: 'KTL_STORE_UNAVAILABLE' })
    })
  })
}
