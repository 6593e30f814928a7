import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Keepalive } from '../../../src/model/keepalive.ts'
import { Registry } from '../../../src/registry/registry.ts'
import type { RegistryEvent } from '../../../src/registry/membership.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { emptyShelf, MemoryStore, type MemoryShelf } from '../../support/registry/memory-store.ts'
import { recordingLogger, silentLogger, type RecordingLogger } from '../../support/test-logger.ts'
import { registryLimits } from '../../support/registry/registry-limits.ts'

const TTL = 20_000
const PHASE = 0.75 * TTL

const ping = (key: string, app = 'web'): Keepalive => ({ app, id: `${app}-${key}`, ip: '10.0.0.1', key, role: 'r' })

describe('Registry, when many pods fall silent', () => {
  let clock: FakeClock
  let shelf: MemoryShelf
  let recorded: RecordingLogger
  let registry: Registry
  let events: RegistryEvent[]

  const keys = (): string[] => registry.snapshot().pods.map(({ key }) => key)
  const held = (): string[] => [...registry.pods()].filter((pod) => pod.held).map(({ key }) => key)
  const pingAll = async (all: readonly string[], app?: string): Promise<void> => {
    for (const key of all) await registry.keepalive(ping(key, app))
  }
  /** Each pod's last keepalive comes at its own phase: the first one now, the last one 0.75 TTL later. */
  const pingStaggered = async (all: readonly string[]): Promise<void> => {
    for (const key of all) {
      await pingAll([key])
      clock.advance(PHASE / all.length)
    }
  }
  const settle = (): Promise<void> => new Promise((done) => setImmediate(done))

  beforeEach(async () => {
    clock = new FakeClock()
    shelf = emptyShelf()
    recorded = recordingLogger()
    registry = new Registry({
      store: new MemoryStore(shelf),
      clock,
      logger: recorded.logger,
      ttlMs: TTL,
      panicThreshold: 0.5,
      limits: registryLimits
    })
    events = []
    registry.subscribe((event) => void events.push(event))
    await registry.open()
  })

  it('holds all of them when they expire in the same moment', async () => {
    await pingAll(['a', 'b', 'c'])
    clock.advance(TTL + 100)

    expect(keys()).toEqual(['a', 'b', 'c'])
    expect(held()).toEqual(['a', 'b', 'c'])
    expect(events.filter(({ type }) => type !== 'pod-up')).toEqual([
      {
        type: 'pods-held',
        app: 'web',
        reason: 'panic',
        restored: 0,
        pods: ['a', 'b', 'c'].map((key) => expect.objectContaining({ key }) as unknown)
      }
    ])
    expect(recorded.lines.find(({ msg }) => msg === 'pods held')).toMatchObject({ app: 'web', restored: 0 })
  })

  it('does not change the snapshot by holding', async () => {
    await pingAll(['a', 'b', 'c'])
    const snapshot = registry.snapshot()
    clock.advance(TTL + 100)

    expect(registry.snapshot().digest).toBe(snapshot.digest)
  })

  it('drops half of them, as that may be a real loss', async () => {
    await pingAll(['a', 'b', 'c', 'd'])
    clock.advance(TTL / 2)
    await pingAll(['a', 'b'])
    clock.advance(TTL / 2 + 100)

    expect(keys()).toEqual(['a', 'b'])
  })

  it('holds them all when they expire one after the other, bringing back those that had left, under their numbers', async () => {
    await pingStaggered(['a', 'b', 'c', 'd'])
    clock.advance(TTL + 100)
    await settle()

    expect(held()).toEqual(['a', 'b', 'c', 'd'])
    expect(registry.snapshot().pods.map(({ seq }) => seq)).toEqual([0, 1, 2, 3])
    expect([...shelf.pods.keys()].sort()).toEqual(['a', 'b', 'c', 'd'])
    expect(recorded.lines.filter(({ msg }) => msg === 'pods held')).toMatchObject([{ restored: 2 }, { restored: 0 }])
  })

  it('does not bring back a pod that expired longer than a TTL before', async () => {
    await pingAll(['a', 'b', 'c', 'd'])
    clock.advance(PHASE)
    await pingAll(['b', 'c', 'd'])
    clock.advance(PHASE)
    await pingAll(['b', 'c', 'd'])
    clock.advance(PHASE)
    await pingAll(['b', 'c', 'd'])
    expect(keys()).toEqual(['b', 'c', 'd'])
    clock.advance(TTL + 100)

    expect(held()).toEqual(['b', 'c', 'd'])
  })

  it('does not bring back a pod that said goodbye', async () => {
    await pingAll(['a', 'b', 'c', 'd'])
    await registry.keepalive({ ...ping('a'), down: true })
    clock.advance(TTL + 100)

    expect(keys()).toEqual(['b', 'c', 'd'])
  })

  it('does not count goodbyes as silence', async () => {
    await pingAll(['a', 'b', 'c', 'd', 'e'])
    for (const key of ['a', 'b', 'c']) await registry.keepalive({ ...ping(key), down: true })
    clock.advance(TTL + 100)

    expect(keys()).toEqual([])
  })

  it('holds no pod of an app with fewer than three', async () => {
    await pingAll(['a', 'b'])
    clock.advance(TTL + 100)

    expect(keys()).toEqual([])
  })

  it('decides for each app by itself', async () => {
    await pingAll(['a', 'b', 'c'])
    await pingAll(['x', 'y'], 'api')
    clock.advance(TTL + 100)

    expect(keys()).toEqual(['a', 'b', 'c'])
  })

  it('counts a pod for the app that it belongs to now', async () => {
    await pingAll(['a', 'b', 'c'])
    await pingAll(['c'], 'api')
    clock.advance(TTL + 100)

    expect(keys()).toEqual([])
  })

  it('releases a held pod that is heard again, and expires it anew', async () => {
    await pingAll(['a', 'b', 'c'])
    clock.advance(TTL + 100)
    await pingAll(['a', 'b', 'c'])
    expect(held()).toEqual([])
    expect(events.slice(-3).map(({ type }) => type)).toEqual(Array(3).fill('pods-released'))

    clock.advance(PHASE)
    await pingAll(['b', 'c'])
    clock.advance(TTL / 4 + 100)
    expect(keys()).toEqual(['b', 'c'])
  })

  it('takes the down of a held pod', async () => {
    await pingAll(['a', 'b', 'c'])
    clock.advance(TTL + 100)
    await registry.keepalive({ ...ping('a'), down: true })

    expect(keys()).toEqual(['b', 'c'])
  })

  it('drops held pods 10 TTLs after their last keepalive', async () => {
    await pingAll(['a', 'b', 'c'])
    clock.advance(10 * TTL - 1)
    expect(held()).toEqual(['a', 'b', 'c'])
    clock.advance(101)

    expect(keys()).toEqual([])
    expect(shelf.pods.size).toBe(0)
    expect(events.at(-1)).toMatchObject({ type: 'pod-down', reason: 'expired' })
  })

  it('drops held pods once others have taken their place for a TTL, and not while those that live may still return', async () => {
    await pingAll(['a', 'b', 'c'])
    clock.advance(TTL + 100)
    expect(held()).toEqual(['a', 'b', 'c'])
    const others = ['d', 'e', 'f', 'g']

    await pingAll(others)
    clock.advance(TTL / 2)
    await pingAll(['a', ...others])
    expect(held()).toEqual(['b', 'c'])
    clock.advance(TTL / 2 + 200)

    expect(keys().sort()).toEqual(['a', 'd', 'e', 'f', 'g'])
    expect(events.filter(({ type }) => type === 'pod-down')).toMatchObject([
      { pod: { key: 'b' }, reason: 'expired' },
      { pod: { key: 'c' }, reason: 'expired' }
    ])
  })

  it('judges an app anew after its held pods went', async () => {
    await pingAll(['a', 'b', 'c'])
    clock.advance(10 * TTL + 100)
    await pingAll(['d', 'e'])
    clock.advance(TTL + 100)

    expect(keys()).toEqual([])
  })

  it('never empties a backend of three or more, whatever the phases, and knows it all again when it is back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: PHASE }), { minLength: 3, maxLength: 30 }),
        fc.integer({ min: 0, max: 8 * TTL }),
        async (phases, outageMs) => {
          const time = new FakeClock()
          const all = new Registry({
            store: new MemoryStore(),
            clock: time,
            logger: silentLogger(),
            ttlMs: TTL,
            panicThreshold: 0.5,
            limits: registryLimits
          })
          await all.open()
          phases.sort((a, b) => a - b)
          // All are known before the first of them sends its last keepalive.
          for (const i of phases.keys()) await all.keepalive(ping(`k${i}`))
          let now = 0
          for (const [i, phase] of phases.entries()) {
            time.advance(phase - now)
            now = phase
            await all.keepalive(ping(`k${i}`))
          }
          const fewest = phases.length - Math.floor(phases.length / 2)
          for (let waited = 0; waited < outageMs; waited += 500) {
            time.advance(500)
            expect(all.size).toBeGreaterThanOrEqual(fewest)
          }
          if (outageMs > 2 * TTL) {
            expect(all.size).toBe(phases.length)
            expect(all.snapshot().pods.map(({ seq }) => seq)).toEqual([...phases.keys()])
          }
          for (const i of phases.keys()) await all.keepalive(ping(`k${i}`))
          expect([...all.pods()].filter((pod) => pod.held)).toEqual([])
          expect(all.size).toBe(phases.length)
        }
      ),
      { numRuns: 60 }
    )
  })
})
