import { describe, expect, it } from 'vitest'
import { ConfigReader, type ConfigModel } from '../../../src/haproxy/config/model.ts'
import { FailedLoads, type LoadFailure } from '../../../src/haproxy/failed-loads.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const read = async (text: string): Promise<ConfigModel> => await new ConfigReader().read(text)
const greedy = async (server: string): Promise<ConfigModel> =>
  await read(`global\n  maxconn 9\nbackend b\n  server s ${server}\n`)

describe('FailedLoads', () => {
  it('refuses a text with any servers while its pause lasts, and no other', async () => {
    const clock = new FakeClock()
    const loads = new FailedLoads(clock)

    const pauseMs = loads.failed(await greedy('10.0.0.1:80'), new Error('descriptors'), 'refused')

    const other = await greedy('10.0.0.2:80')
    await expect(loads.refuse('', other)).rejects.toThrow('descriptors')
    await loads.refuse('', await read('global\n  maxconn 8\n'))
    clock.advance(pauseMs)
    await loads.refuse('', await greedy('10.0.0.1:80'))
  })

  it('waits longer each time, longest with one that ended HAProxy, though it was only refused before, and begins anew after a long time', async () => {
    const clock = new FakeClock()
    const loads = new FailedLoads(clock)
    const pauses = (text: ConfigModel, how: LoadFailure): number[] =>
      Array.from({ length: 6 }, () => loads.failed(text, new Error('no'), how))

    expect(pauses(await greedy('10.0.0.1:80'), 'killed')).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000])
    expect(pauses(await greedy('10.0.0.1:80'), 'refused')).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000])
    expect(pauses(await read('global\n'), 'ended')).toEqual([60_000, 180_000, 540_000, 600_000, 600_000, 600_000])
    expect(loads.failed(await greedy('10.0.0.1:80'), new Error('no'), 'ended')).toBe(60_000)
    expect(loads.failed(await greedy('10.0.0.1:80'), new Error('no'), 'refused')).toBe(180_000)
    expect(loads.failed(await greedy('10.0.0.1:80'), new Error('no'), 'killed')).toBe(540_000)
    clock.advance(3_600_000)
    expect(loads.failed(await greedy('10.0.0.1:80'), new Error('no'), 'refused')).toBe(5_000)
  })
})
