import { describe, expect, it } from 'vitest'
import { ConfigReader, type ConfigModel } from '../../../src/haproxy/config/model.ts'
import { FailedLoads } from '../../../src/haproxy/failed-loads.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const read = (text: string): ConfigModel => new ConfigReader().read(text)
const greedy = (server: string): ConfigModel => read(`global\n  maxconn 9\nbackend b\n  server s ${server}\n`)

describe('FailedLoads', () => {
  it('refuses a text with any servers while its pause lasts, and no other', () => {
    const clock = new FakeClock()
    const loads = new FailedLoads(clock)

    const pauseMs = loads.failed(greedy('10.0.0.1:80'), new Error('descriptors'))

    expect(() => loads.refuse(greedy('10.0.0.2:80'))).toThrow('descriptors')
    loads.refuse(read('global\n  maxconn 8\n'))
    clock.advance(pauseMs)
    loads.refuse(greedy('10.0.0.1:80'))
  })

  it('waits longer each time, longest with one that ended HAProxy, and begins anew after a long time', () => {
    const clock = new FakeClock()
    const loads = new FailedLoads(clock)
    const pauses = (text: ConfigModel, died: boolean): number[] =>
      Array.from({ length: 6 }, () => loads.failed(text, new Error('no'), died))

    expect(pauses(greedy('10.0.0.1:80'), false)).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000])
    expect(pauses(read('global\n'), true)).toEqual([60_000, 180_000, 540_000, 600_000, 600_000, 600_000])
    clock.advance(3_600_000)
    expect(loads.failed(greedy('10.0.0.1:80'), new Error('no'))).toBe(5_000)
  })
})
