import { beforeEach, describe, expect, it } from 'vitest'
import { Registry } from '../../../src/registry/registry.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { MemoryStore } from '../../support/registry/memory-store.ts'
import { registryLimits } from '../../support/registry/registry-limits.ts'
import { recordingLogger, type RecordingLogger } from '../../support/test-logger.ts'

const TTL = 25_000

let clock: FakeClock
let recorded: RecordingLogger
let registry: Registry

const pingAll = async (...all: string[]): Promise<void> => {
  for (const key of all) await registry.keepalive({ app: 'web', id: `web-${key}`, ip: '10.0.0.1', key, role: 'server' })
}
const keys = (): string[] => registry.snapshot().pods.map(({ key }) => key)
const logged = (msg: string): Record<string, unknown>[] => recorded.lines.filter((line) => line.msg === msg)

beforeEach(async () => {
  clock = new FakeClock()
  recorded = recordingLogger()
  const settings = { ttlMs: TTL, panicThreshold: 0.5, limits: registryLimits }
  registry = new Registry({ store: new MemoryStore(), clock, logger: recorded.logger, ...settings })
  await registry.open()
})

describe('a registry whose time jumps', () => {
  it('gives everybody a full TTL after the process stood still', async () => {
    await pingAll('a')
    clock.freeze(10 * TTL)
    expect(keys()).toEqual(['a'])
    clock.advance(TTL - 1)
    expect(keys()).toEqual(['a'])
    clock.advance(101)
    expect(keys()).toEqual([])
  })

  it('gives everybody a full TTL after the process stood still until just before they would have expired', async () => {
    await pingAll('a')
    clock.advance(2000)
    clock.freeze(TTL - 2100)
    clock.advance(TTL - 1)

    expect(keys()).toEqual(['a'])
  })

  it('drops late what fell due during a short stall', async () => {
    await pingAll('a')
    clock.advance(TTL - 500)
    clock.freeze(1400)

    expect(keys()).toEqual([])
    expect(logged('time jumped')).toEqual([])
  })

  it('still drops pods when the clock was set back', async () => {
    await pingAll('a')
    clock.setBack(3_600_000)
    clock.advance(2 * TTL + 200)

    expect(keys()).toEqual([])
  })
})
