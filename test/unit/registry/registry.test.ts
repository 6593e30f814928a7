import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import type { Keepalive } from '../../../src/model/keepalive.ts'
import { Registry, type RegistryOptions } from '../../../src/registry/registry.ts'
import type { RegistryEvent } from '../../../src/registry/membership.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { emptyShelf, MemoryStore } from '../../support/registry/memory-store.ts'
import { recordingLogger, type RecordingLogger } from '../../support/test-logger.ts'
import { registryLimits } from '../../support/registry/registry-limits.ts'

const TTL = 25_000

const ping = (key: string, more: Partial<Keepalive> = {}): Keepalive => ({
  app: 'web',
  id: `web-${key}`,
  ip: '10.0.0.1',
  key,
  role: 'server',
  ...more
})

describe('Registry', () => {
  let clock: FakeClock
  let store: MemoryStore
  let recorded: RecordingLogger
  let registry: Registry
  let events: RegistryEvent[]

  const start = async (on = new MemoryStore(), change: Partial<RegistryOptions> = {}): Promise<void> => {
    store = on
    const settings = { ttlMs: TTL, panicThreshold: 0.5, limits: registryLimits, ...change }
    registry = new Registry({ store, clock, logger: recorded.logger, ...settings })
    events = []
    registry.subscribe((event) => void events.push(event))
    await registry.open()
  }
  const keys = (): string[] => registry.snapshot().pods.map(({ key }) => key)
  const seqs = (): number[] => registry.snapshot().pods.map(({ seq }) => seq)
  const types = (): string[] => events.map(({ type }) => type)
  const logged = (msg: string): Record<string, unknown>[] => recorded.lines.filter((line) => line.msg === msg)
  const held = (): string[] => [...registry.pods()].filter((pod) => pod.held).map(({ key }) => key)
  const pingAll = async (...all: string[]): Promise<void> => {
    for (const key of all) await registry.keepalive(ping(key))
  }

  beforeEach(async () => {
    clock = new FakeClock()
    recorded = recordingLogger()
    await start()
  })

  it('ignores the late goodbye of a process that another one took the place of', async () => {
    await registry.keepalive(ping('a', { nonce: 'aaaa' }))
    await registry.keepalive(ping('a', { nonce: 'bbbb' }))

    await registry.keepalive(ping('a', { nonce: 'aaaa', down: true }))
    expect(keys()).toEqual(['a'])

    await registry.keepalive(ping('a', { nonce: 'bbbb', down: true }))
    expect(keys()).toEqual([])
  })

  it('hears one change and no more of a slave that tells each of two masters another nonce', async () => {
    for (const nonce of ['aaaa', 'bbbb', 'aaaa', 'bbbb', 'aaaa', 'bbbb']) await registry.keepalive(ping('a', { nonce }))

    expect(types()).toEqual(['pod-up', 'pod-changed'])

    await registry.keepalive(ping('a', { nonce: 'aaaa', down: true }))
    expect(keys()).toEqual([])
  })

  it('sees each restart of a slave by its nonce, however often', async () => {
    for (let i = 0; i < 30; i++) await registry.keepalive(ping('a', { nonce: `n${i}` }))

    expect(types()).toEqual(['pod-up', ...Array.from({ length: 29 }, () => 'pod-changed')])
  })

  it('admits an unknown pod, numbered from 0, and says so', async () => {
    await pingAll('a', 'b')

    expect(seqs()).toEqual([0, 1])
    expect(events).toEqual([
      {
        type: 'pod-up',
        reason: 'new',
        pod: expect.objectContaining({ key: 'a', seq: 0, firstSeen: clock.now() }) as unknown
      },
      { type: 'pod-up', reason: 'new', pod: expect.objectContaining({ key: 'b', seq: 1 }) as unknown }
    ])
    expect(logged('pod up')[0]).toMatchObject({ app: 'web', ip: '10.0.0.1', key: 'a', id: 'web-a', seq: 0 })
  })

  it('fills for one TTL when the store has lost the pods that HAProxy serves', async () => {
    await start(new MemoryStore(), { expectsPods: true })
    await pingAll('a')

    expect(registry.recovery.until).toBe(clock.now() + TTL)
    clock.advance(TTL)
    expect(registry.recovery.until).toBeUndefined()
    await registry.recovery.ended
  })

  it('fills anew when it is started again before that TTL has passed', async () => {
    const shelf = emptyShelf()
    await start(new MemoryStore(shelf), { expectsPods: true })
    await pingAll('a')
    clock.advance(TTL - 1)
    await registry.close()

    await start(new MemoryStore(shelf), { expectsPods: true })

    expect(registry.recovery.until).toBe(clock.now() + TTL)
  })

  it('does not wait for pods that have said goodbye, nor where there were none before', async () => {
    const shelf = emptyShelf()
    await start(new MemoryStore(shelf))
    expect(registry.recovery.until).toBeUndefined()
    await pingAll('a')
    await registry.keepalive(ping('a', { down: true }))

    await start(new MemoryStore(shelf), { expectsPods: true })

    expect(registry.recovery.until).toBeUndefined()
  })

  it('touches neither the store nor the snapshot for a repeated keepalive', async () => {
    await registry.keepalive(ping('a', { payload: { deep: [1, 2] }, nonce: 'n' }))
    const [writes, snapshot] = [store.writes, registry.snapshot()]
    clock.advance(10_000)

    expect(registry.keepalive(ping('a', { payload: { deep: [1, 2] }, nonce: 'n' }))).toBeUndefined()

    expect(store.writes).toBe(writes)
    expect(registry.snapshot()).toBe(snapshot)
    expect([...registry.pods()]).toEqual([
      expect.objectContaining({ lastSeen: clock.now(), expiresAt: clock.now() + TTL, held: false })
    ])
    expect(types()).toEqual(['pod-up'])
  })

  it.each<[string, Partial<Keepalive>]>([
    ['nonce', { nonce: 'other' }],
    ['ip', { ip: '10.0.0.9' }],
    ['payload', { payload: { n: 2 } }],
    ['payload', { payload: '' }],
    ['payload', { payload: undefined }],
    ['app', { app: 'api' }],
    ['id', { id: 'web-9' }],
    ['role', { role: 'other' }]
  ])('takes another %s for a change, which keeps the sequence number', async (field, more) => {
    const first = ping('a', { nonce: 'n', payload: { n: 1 } })
    await registry.keepalive(first)
    const before = registry.snapshot()

    await registry.keepalive({ ...first, ...more })

    expect(events.at(-1)).toMatchObject({ type: 'pod-changed', fields: [field], pod: { seq: 0, key: 'a' } })
    expect(registry.snapshot().digest).not.toBe(before.digest)
    expect(registry.snapshot().pods[0]).toEqual({ ...before.pods[0], ...more })
    expect(before.pods[0]?.payload).toEqual({ n: 1 })
  })

  it('drops a pod that says down at once, and ignores down from a stranger', async () => {
    await pingAll('a', 'b')
    await registry.keepalive(ping('a', { down: true }))
    await registry.keepalive(ping('stranger', { down: true }))

    expect(keys()).toEqual(['b'])
    expect(events.slice(2)).toEqual([
      { type: 'pod-down', reason: 'down', pod: expect.objectContaining({ key: 'a' }) as unknown }
    ])
  })

  it('gives a pod that comes back after its down a new number and no memory of the down', async () => {
    await pingAll('a', 'b')
    await registry.keepalive(ping('a', { down: true }))
    await pingAll('a')
    clock.advance(TTL - 1000)

    expect(keys()).toEqual(['b', 'a'])
    expect(seqs()).toEqual([1, 2])
  })

  it('drops a pod within 100 ms after its TTL, not before', async () => {
    await pingAll('a')
    clock.advance(TTL - 1)
    expect(keys()).toEqual(['a'])
    clock.advance(101)

    expect(keys()).toEqual([])
    expect(events.at(-1)).toMatchObject({ type: 'pod-down', reason: 'expired' })
    expect(logged('pod down')[0]).toMatchObject({ key: 'a', reason: 'expired' })
  })

  it('drops each pod within 100 ms after its TTL, whenever which of them was heard', async () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      advanceMs: fc.integer({ min: 0, max: TTL / 4 })
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await start()
        const lastSeen = new Map<string, number>()
        for (const { key, advanceMs } of steps) {
          await registry.keepalive(ping(key, { app: key }))
          lastSeen.set(key, clock.now())
          clock.advance(advanceMs)
          const silentMs = (name: string) => clock.now() - (lastSeen.get(name) ?? 0)
          expect(keys().every((name) => silentMs(name) <= TTL + 100)).toBe(true)
          expect([...lastSeen.keys()].filter((name) => silentMs(name) < TTL && !keys().includes(name))).toEqual([])
        }
        await registry.close()
      })
    )
  })

  it('counts the TTL from the last keepalive', async () => {
    await pingAll('a')
    for (let i = 0; i < 20; i++) {
      clock.advance(0.75 * TTL)
      await pingAll('a')
    }
    clock.advance(TTL - 1)
    expect(keys()).toEqual(['a'])
    clock.advance(101)
    expect(keys()).toEqual([])
  })

  it('forgets a pod on request, once', async () => {
    await pingAll('a')

    expect(registry.forget('a')).toBe(true)
    expect(registry.forget('a')).toBe(false)
    expect(events.at(-1)).toMatchObject({ type: 'pod-down', reason: 'forgotten' })
  })

  it('admits a pod once when several keepalives arrive while it is being recorded', async () => {
    await Promise.all([
      registry.keepalive(ping('a')),
      registry.keepalive(ping('a', { payload: 1 })),
      registry.keepalive(ping('a', { payload: 2 }))
    ])

    expect(seqs()).toEqual([0])
    expect(registry.snapshot().pods[0]?.payload).toBe(2)
    expect(types()).toEqual(['pod-up', 'pod-changed', 'pod-changed'])
  })

  it('obeys a down that overtakes the recording of its pod', async () => {
    await Promise.all([registry.keepalive(ping('a')), registry.keepalive(ping('a', { down: true }))])

    expect(keys()).toEqual([])
    expect(types()).toEqual(['pod-up', 'pod-down'])
  })

  it('takes keepalives, and tells the others, when a listener throws', async () => {
    await start()
    const heard: string[] = []
    registry.subscribe(() => {
      throw new Error('broken')
    })
    registry.subscribe(({ type }) => void heard.push(type))
    await registry.keepalive(ping('a'))
    await registry.keepalive(ping('a', { payload: 1 }))
    clock.advance(TTL + 100)

    expect(keys()).toEqual([])
    expect(heard).toEqual(['pod-up', 'pod-changed', 'pod-down'])
    expect(logged('listener failed')).toHaveLength(3)
  })

  it('lists two pods that share an address, as each has its key', async () => {
    await registry.keepalive(ping('a', { ip: '10.0.0.7' }))
    await registry.keepalive(ping('b', { ip: '10.0.0.7' }))

    expect(keys()).toEqual(['a', 'b'])
  })

  it('refuses a pod beyond the limit and goes on serving those it has', async () => {
    await start(new MemoryStore(), { limits: { ...registryLimits, pods: 2 } })
    await Promise.all([registry.keepalive(ping('a')), registry.keepalive(ping('b'))])

    await expect(registry.keepalive(ping('c'))).rejects.toMatchObject({ code: 'KTL_REGISTRY_FULL', statusCode: 503 })
    await pingAll('a')
    registry.forget('a')
    await pingAll('c')

    expect(keys()).toEqual(['b', 'c'])
  })

  it('counts the pods that are being recorded against the limit', async () => {
    await start(new MemoryStore(), { limits: { ...registryLimits, pods: 2 } })
    const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map(async (key) => registry.keepalive(ping(key))))

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected'])
  })

  it('lets no app, and no sender, take the place of all others', async () => {
    await start(new MemoryStore(), { limits: { ...registryLimits, podsPerApp: 2, podsPerPeer: 3 } })
    const full = { code: 'KTL_REGISTRY_FULL' }
    const from = (peer: string) => ({ peer })
    await registry.keepalive(ping('a', { app: 'one' }), from('10.0.0.1'))
    await registry.keepalive(ping('b', { app: 'one' }), from('10.0.0.1'))

    await expect(registry.keepalive(ping('c', { app: 'one' }), from('10.0.0.2'))).rejects.toMatchObject(full)
    await registry.keepalive(ping('c', { app: 'two' }), from('10.0.0.1'))
    await expect(registry.keepalive(ping('d', { app: 'three' }), from('10.0.0.1'))).rejects.toMatchObject(full)
    await registry.keepalive(ping('d', { app: 'three' }), from('10.0.0.2'))
    await registry.keepalive(ping('e', { app: 'three' }))
    // Whoever is known may say it from anywhere.
    await registry.keepalive(ping('a', { app: 'one' }), from('10.0.0.1'))
    registry.forget('a')
    await registry.keepalive(ping('f', { app: 'one' }), from('10.0.0.1'))

    expect(keys()).toEqual(['b', 'c', 'd', 'e', 'f'])
  })

  it('keeps all payloads together within their limit, and every pod that it knows', async () => {
    await start(new MemoryStore(), { limits: { ...registryLimits, payloadBytes: 100 } })
    const refused: string[] = []
    const onRefused = (problem: string): void => void refused.push(problem)
    const text = (bytes: number): string => 'x'.repeat(bytes - 2)
    await registry.keepalive(ping('a', { app: 'one', payload: text(40) }))
    await registry.keepalive(ping('b', { app: 'two', payload: text(30) }))

    await expect(registry.keepalive(ping('c', { app: 'one', payload: text(11) }))).rejects.toMatchObject({
      code: 'KTL_REGISTRY_FULL',
      message: expect.stringMatching(/the payloads of "one" may have 50 bytes/) as string
    })
    await expect(registry.keepalive(ping('c', { app: 'three', payload: text(31) }))).rejects.toMatchObject({
      message: expect.stringMatching(/all payloads together may have 100 bytes/) as string
    })
    await registry.keepalive(ping('b', { app: 'two', payload: text(51) }), { onRefused })
    expect(refused).toEqual([expect.stringMatching(/so it keeps the one it had$/)])
    await registry.keepalive(ping('b', { app: 'two', payload: text(10) }))
    await registry.keepalive(ping('c', { app: 'three', payload: text(50) }))

    expect(registry.snapshot().pods.map(({ key, payload }) => [key, (payload as string).length + 2])).toEqual([
      ['a', 40],
      ['b', 10],
      ['c', 50]
    ])
    registry.forget('a')
    expect(registry.uses.find(({ limit }) => limit === 'payload_bytes')).toMatchObject({ used: 60 })
  })

  it('stops telling who unsubscribed', async () => {
    const seen: string[] = []
    const stop = registry.subscribe(({ type }) => void seen.push(type))
    await pingAll('a')
    stop()
    await pingAll('b')

    expect(seen).toEqual(['pod-up'])
  })

  describe('with a store that fails', () => {
    it('leaves a new pod unknown, and admits it at its next keepalive', async () => {
      store.failure = new Error('disk full')
      await expect(registry.keepalive(ping('a'))).rejects.toThrow('disk full')
      expect(keys()).toEqual([])
      store.failure = undefined
      await pingAll('a')

      expect(seqs()).toEqual([0])
    })

    it('applies a change at once, and writes it with the next keepalive', async () => {
      const shelf = emptyShelf()
      await start(new MemoryStore(shelf))
      await pingAll('a')
      store.failure = new Error('disk full')
      void registry.keepalive(ping('a', { payload: 1 }))
      expect(registry.snapshot().pods[0]?.payload).toBe(1)
      await Promise.resolve()
      store.failure = undefined
      void registry.keepalive(ping('a', { payload: 1 }))
      await Promise.resolve()

      expect(shelf.pods.get('a')?.payload).toBe(1)
    })

    it('says what is wrong with the store until it takes a write again', async () => {
      store.failure = new KontrolError('KTL_STORE_UNAVAILABLE', 'disk full')
      await expect(registry.keepalive(ping('a'))).rejects.toThrow('disk full')
      expect(registry.storeProblem).toBe(store.failure)
      store.failure = undefined
      await pingAll('a')
      expect(registry.storeProblem).toBeUndefined()
    })

    it('drops a pod that says down all the same', async () => {
      await pingAll('a')
      store.failure = new Error('disk full')
      await registry.keepalive(ping('a', { down: true }))

      expect(keys()).toEqual([])
    })
  })

  describe('after a restart', () => {
    it('knows its pods under the same numbers, with one full TTL each, and the callback state', async () => {
      const shelf = emptyShelf()
      await start(new MemoryStore(shelf))
      await pingAll('a', 'b')
      await registry.saveCallbackRun({ digest: 'aa', state: '{"md5":"aa"}' }, 0)
      const { digest } = registry.snapshot()
      await registry.close()
      clock.advance(100 * TTL)
      await start(new MemoryStore(shelf))

      expect(registry.snapshot().digest).toBe(digest)
      expect(registry.callbackState()).toBe('{"md5":"aa"}')
      expect(types()).toEqual([])
      clock.advance(TTL - 1)
      await pingAll('b')
      clock.advance(101)
      expect(keys()).toEqual(['b'])
    })

    it('counts on where it was', async () => {
      const shelf = emptyShelf()
      await start(new MemoryStore(shelf))
      await pingAll('a', 'b')
      registry.forget('b')
      await registry.close()
      await start(new MemoryStore(shelf))
      await pingAll('c')

      expect(seqs()).toEqual([0, 2])
    })

    it('holds the pods of an app of which none comes back', async () => {
      const shelf = emptyShelf()
      await start(new MemoryStore(shelf))
      await pingAll('a', 'b', 'c')
      await registry.close()
      await start(new MemoryStore(shelf))
      clock.advance(TTL + 100)

      expect(held()).toEqual(['a', 'b', 'c'])
    })
  })

  describe('among other masters', () => {
    const heard = (key: string, ageMs: number) => store.listener?.onHeard([key], ageMs)
    const elsewhere = (key: string, seq: number, more: Partial<Keepalive> = {}) =>
      store.listener?.onPut({ ...ping(key, more), seq, firstSeen: clock.now() })

    it('knows the pods that another one admitted, changed and removed', () => {
      elsewhere('a', 7)
      elsewhere('a', 7, { payload: 1 })
      elsewhere('a', 7, { payload: 1 })
      store.listener?.onRemove('a', 6)
      expect(seqs()).toEqual([7])
      store.listener?.onRemove('a', 7)

      expect(types()).toEqual(['pod-up', 'pod-changed', 'pod-down'])
      expect(store.writes).toBe(0)
    })

    it('replaces a pod that came back elsewhere under another number', () => {
      elsewhere('a', 1)
      elsewhere('a', 5)

      expect(seqs()).toEqual([5])
      expect(types()).toEqual(['pod-up', 'pod-down', 'pod-up'])
    })

    it('takes over a pod that another one admitted at the same time, with what its own keepalive says', async () => {
      store.admit = async (newPod) => {
        elsewhere('a', 3)
        return { ...newPod, payload: undefined, seq: 3 }
      }
      await registry.keepalive(ping('a', { payload: 'mine' }))

      expect(seqs()).toEqual([3])
      expect(types()).toEqual(['pod-up', 'pod-changed'])
    })

    it('tells them of every keepalive, and counts theirs as its own', async () => {
      await pingAll('a')
      await pingAll('a')
      expect(store.heardKeys).toEqual(['a', 'a'])

      clock.advance(20_000)
      heard('a', 1000)
      heard('a', 5000)
      heard('stranger', 0)
      expect([...registry.pods()][0]?.lastSeen).toBe(clock.now() - 1000)
      clock.advance(TTL - 1001)
      expect(keys()).toEqual(['a'])
      clock.advance(101)
      expect(keys()).toEqual([])
    })

    it('leaves it to the leader to drop a silent pod, and does so itself once it leads', async () => {
      store.leading = false
      await pingAll('a')
      clock.advance(3 * TTL)
      expect(keys()).toEqual(['a'])

      store.leading = true
      store.listener?.onLeadership(true)
      clock.advance(200)
      expect(keys()).toEqual([])
      expect(types()).toEqual(['pod-up', 'leader', 'pod-down'])
    })

    it('calls a removal elsewhere by its reason', () => {
      elsewhere('silent', 0)
      clock.advance(TTL - 1)
      elsewhere('fresh', 1)
      store.listener?.onRemove('silent', 0)
      store.listener?.onRemove('fresh', 1)

      expect(events.filter(({ type }) => type === 'pod-down')).toMatchObject([
        { reason: 'expired' },
        { reason: 'down' }
      ])
    })

    it('shows as held what the leader brought back', () => {
      store.leading = false
      for (const [seq, key] of ['a', 'b', 'c'].entries()) elsewhere(key, seq)
      clock.advance(TTL - 1)
      store.listener?.onRemove('a', 0)
      elsewhere('a', 0)
      expect(held()).toEqual(['a'])
      clock.advance(101)

      expect(held()).toEqual(['a', 'b', 'c'])
    })

    it('releases a held pod that another one heard', () => {
      for (const [seq, key] of ['a', 'b', 'c'].entries()) elsewhere(key, seq)
      clock.advance(TTL + 100)
      heard('a', 10)

      expect(held()).toEqual(['b', 'c'])
    })

    it('drops nobody while the store is out of reach, and gives all a full TTL when it is back', async () => {
      await pingAll('a')
      store.listener?.onContact(false)
      clock.advance(5 * TTL)
      expect(keys()).toEqual(['a'])
      expect(registry.storeProblem).toMatchObject({ code: 'KTL_STORE_UNAVAILABLE' })
      store.listener?.onContact(true)
      expect(registry.storeProblem).toBeUndefined()
      clock.advance(TTL - 1)
      expect(keys()).toEqual(['a'])
      clock.advance(101)
      expect(keys()).toEqual([])
    })

    it('writes when the store is back what it could not write before', async () => {
      const shelf = emptyShelf()
      await start(new MemoryStore(shelf))
      await pingAll('a')
      store.failure = new Error('no contact')
      await registry.keepalive(ping('a', { payload: 1 }))
      await registry.keepalive(ping('a', { payload: 1 }))
      expect(logged('pod not saved')).toHaveLength(1)
      store.failure = undefined
      store.listener?.onContact(true)
      await Promise.resolve()

      expect(shelf.pods.get('a')?.payload).toBe(1)
    })

    it('gives all a full TTL when another master is lost', async () => {
      await pingAll('a')
      clock.advance(TTL - 1)
      store.listener?.onMasterLost()
      clock.advance(TTL - 1)

      expect(keys()).toEqual(['a'])
    })

    it('knows the callback state that another one saved', () => {
      store.listener?.onCallbackRun({ digest: 'bb', state: '{"md5":"bb"}' })

      expect(registry.callbackState()).toBe('{"md5":"bb"}')
    })
  })
})
