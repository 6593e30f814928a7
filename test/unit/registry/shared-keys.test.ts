import { beforeEach, describe, expect, it } from 'vitest'
import type { Keepalive } from '../../../src/model/keepalive.ts'
import { hostsOf } from '../../../src/model/snapshot.ts'
import { Registry } from '../../../src/registry/registry.ts'
import type { RegistryEvent } from '../../../src/registry/membership.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { emptyShelf, MemoryStore, type MemoryShelf } from '../../support/registry/memory-store.ts'
import { makePod } from '../../support/registry/make-pod.ts'
import { recordingLogger, type RecordingLogger } from '../../support/test-logger.ts'

const TTL = 25_000
const EVERY = 0.75 * TTL

/** Of a pod on the network of a host, which has the host's address and therefore its key. */
const ping = (app: string, more: Partial<Keepalive> = {}): Keepalive => ({
  app,
  id: `${app}-1`,
  ip: '10.0.0.1',
  key: 'host',
  role: 'r',
  nonce: `of-${app}`,
  ...more
})

describe('Several apps on the address of one host', () => {
  let clock: FakeClock
  let shelf: MemoryShelf
  let store: MemoryStore
  let recorded: RecordingLogger
  let registry: Registry
  let events: RegistryEvent[]

  const start = async (): Promise<void> => {
    store = new MemoryStore(shelf)
    recorded = recordingLogger()
    registry = new Registry({
      store,
      clock,
      logger: recorded.logger,
      ttlMs: TTL,
      panicThreshold: 0.5,
      limits: { pods: 1_000, podsPerApp: 1_000, podsPerPeer: 1_000, payloadBytes: 1_000_000 }
    })
    events = []
    registry.subscribe((event) => void events.push(event))
    await registry.open()
  }
  const keys = (): string[] => registry.snapshot().pods.map(({ app, key }) => `${app} ${key}`)
  const hosts = () => Object.fromEntries(hostsOf(registry.snapshot(), 'haproxy'))
  const moved = (): string[] => events.map(({ type }) => type)
  const warned = () => recorded.lines.filter(({ msg }) => msg === 'apps share a key, each is kept')
  /** Each app pings once, and the time until its next keepalive passes. */
  const round = async (...apps: string[]): Promise<void> => {
    for (const app of apps) await registry.keepalive(ping(app))
    clock.advance(EVERY)
  }

  beforeEach(async () => {
    clock = new FakeClock()
    shelf = emptyShelf()
    await start()
  })

  it('are all served once the first was heard again, without any further change, and warned of once', async () => {
    await round('web', 'db')
    expect(hosts()).toEqual({ db: ['10.0.0.1'] })

    await round('web', 'db')
    expect(hosts()).toEqual({ db: ['10.0.0.1'], web: ['10.0.0.1'] })
    expect(keys()).toEqual(['db host', 'web host.web'])

    const before = registry.snapshot()
    const told = events.length
    const written = store.writes
    for (let i = 0; i < 20; i++) await round('web', 'db')
    expect(registry.snapshot()).toBe(before)
    expect([events.length, store.writes]).toEqual([told, written])
    expect(warned()).toEqual([expect.objectContaining({ key: 'host', ip: '10.0.0.1', apps: ['db', 'web'] })])
    expect(events.filter(({ type }) => type === 'key-shared')).toEqual([
      { type: 'key-shared', key: 'host', ip: '10.0.0.1', apps: ['db', 'web'] }
    ])
  })

  it('may be as many as there are', async () => {
    const apps = ['a', 'b', 'c', 'd', 'e', 'f']
    for (let i = 0; i < 3; i++) await round(...apps)

    expect(Object.keys(hosts())).toEqual(apps)
    const told = events.length
    for (let i = 0; i < 5; i++) await round(...apps)
    expect(events).toHaveLength(told)
  })

  it('tell other masters of the pod that was heard, and not of the other', async () => {
    for (let i = 0; i < 2; i++) await round('web', 'db')
    store.heardKeys.length = 0

    await round('web')
    await round('db')

    expect(store.heardKeys).toEqual(['host.web', 'host'])
  })

  it('say goodbye each for itself, and come back without taking the place of the other', async () => {
    for (let i = 0; i < 2; i++) await round('web', 'db')

    await registry.keepalive(ping('web', { down: true }))
    expect(keys()).toEqual(['db host'])
    await registry.keepalive(ping('web', { down: true }))
    expect(keys()).toEqual(['db host'])
    for (let i = 0; i < 5; i++) await round('db')
    await registry.keepalive(ping('web', { nonce: 'anew' }))
    expect(keys()).toEqual(['db host', 'web host.web'])

    await registry.keepalive(ping('db', { down: true }))
    expect(keys()).toEqual(['web host.web'])
    await registry.keepalive(ping('web', { nonce: 'anew' }))
    expect(keys()).toEqual(['web host.web'])
    await registry.keepalive(ping('db'))
    expect(keys()).toEqual(['web host.web', 'db host'])
    expect(moved().filter((type) => type === 'pod-changed')).toHaveLength(1)
  })

  it('expire each for itself', async () => {
    for (let i = 0; i < 2; i++) await round('web', 'db')
    for (let i = 0; i < 2; i++) await round('web')
    expect(keys()).toEqual(['web host.web'])

    await round('db')
    for (let i = 0; i < 2; i++) await round('db')
    expect(keys()).toEqual(['db host'])
  })

  it('are known apart after a restart', async () => {
    for (let i = 0; i < 2; i++) await round('web', 'db')
    const before = registry.snapshot()
    await registry.close()

    await start()
    expect(registry.snapshot().digest).toBe(before.digest)
    await round('db', 'web')
    expect(moved()).toEqual([])

    await registry.keepalive(ping('web', { down: true }))
    await registry.keepalive(ping('web'))
    expect(keys()).toEqual(['db host', 'web host.web'])
    expect(moved()).toEqual(['pod-down', 'pod-up'])
  })

  it('leave one another alone where another master told of them', async () => {
    store.listener?.onPut(makePod(0, ping('db')))
    store.listener?.onPut(makePod(1, { ...ping('web'), key: 'host.web' }))
    shelf.nextSeq = 2

    await round('web', 'db')
    expect(moved()).toEqual(['pod-up', 'pod-up'])

    store.listener?.onRemove('host.web', 1)
    await registry.keepalive(ping('web'))
    expect(keys()).toEqual(['db host', 'web host.web'])
  })

  it('are told apart where the other one pings another master', async () => {
    await round('web')
    store.listener?.onPut(makePod(0, { ...ping('db'), firstSeen: 0 }))
    expect(keys()).toEqual(['db host'])

    await registry.keepalive(ping('web'))
    expect(keys()).toEqual(['db host', 'web host.web'])
  })

  it('have keys that are names, however long the app is called', async () => {
    const [one, other] = ['x'.repeat(62) + '1', 'x'.repeat(62) + '2']
    const said = (app: string) => ping(app, { key: `k${'-'.repeat(61)}k` })
    for (let i = 0; i < 3; i++) for (const app of ['db', one, other]) await registry.keepalive(said(app))

    const made = registry.snapshot().pods.map(({ key }) => key)
    expect(new Set(made).size).toBe(3)
    for (const key of made) expect(key).toMatch(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/)
  })

  it('are tried again while the store takes no new pod, without replacing one another', async () => {
    await round('web', 'db')
    store.failure = new Error('full')
    for (let i = 0; i < 4; i++) {
      await expect(registry.keepalive(ping('web'))).rejects.toThrow('full')
      await round('db')
    }
    expect(keys()).toEqual(['db host'])

    store.failure = undefined
    await round('web', 'db')
    expect(keys()).toEqual(['db host', 'web host.web'])
  })

  it('a pod that was labelled anew, or that got the address of another, takes its place at once', async () => {
    await round('web')
    await round('db')

    expect(keys()).toEqual(['db host'])
    for (let i = 0; i < 5; i++) await round('db')
    await round('web')
    expect(keys()).toEqual(['web host'])
    expect(warned()).toEqual([])
  })

  it('a late goodbye of the pod before does not take out the one that has its address now', async () => {
    await registry.keepalive(ping('web'))
    await registry.keepalive(ping('db'))

    await registry.keepalive(ping('web', { down: true }))

    expect(keys()).toEqual(['db host'])
  })
})
