import { describe, expect, it } from 'vitest'
import { ChangeWatch } from '../../../src/dns/change-watch.ts'
import type { ChangeStatus } from '../../../src/dns/records/record-set.ts'
import { KontrolError } from '../../../src/errors.ts'
import { FakeClock } from '../../support/fake-clock.ts'

function watchWith(answer: () => ChangeStatus) {
  const clock = new FakeClock()
  const told: string[] = []
  let asked = 0
  const watch = new ChangeWatch({
    clock,
    ask: async () => {
      asked++
      return answer()
    },
    onInSync: (id) => told.push(`${id} in sync`),
    onGivenUp: (id, error) => told.push(`${id} given up: ${(error as Error).message}`)
  })
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { watch, told, asked: () => asked, pass }
}

describe('a submitted change', () => {
  it('is asked about from the fifth second on, ever more rarely', async () => {
    const { watch, asked, pass } = watchWith(() => 'PENDING')
    watch.watch('C1')
    watch.watch('C1')
    await pass(4)
    expect(asked()).toBe(0)
    await pass(1)
    expect(asked()).toBe(1)
    await pass(55)

    expect(asked()).toBe(4)
  })

  it('is told of once it is in sync', async () => {
    const { watch, told, asked, pass } = watchWith(() => 'INSYNC')
    watch.watch('C1')
    await pass(60)

    expect(told).toEqual(['C1 in sync'])
    expect(asked()).toBe(1)
  })

  it('is given up after forty looks', async () => {
    const { watch, told, asked, pass } = watchWith(() => 'PENDING')
    watch.watch('C1')
    await pass(3_600)

    expect(told).toEqual(['C1 given up: still PENDING after 40 looks'])
    expect(asked()).toBe(40)
  })

  it('outlives failures that pass', async () => {
    let failures = 2
    const { watch, told, pass } = watchWith(() => {
      if (failures-- > 0) throw new KontrolError('KTL_DNS_UNAVAILABLE', 'throttled')
      return 'INSYNC'
    })
    watch.watch('C1')
    await pass(60)

    expect(told).toEqual(['C1 in sync'])
  })

  it('is given up at a failure that does not', async () => {
    const { watch, told, pass } = watchWith(() => {
      throw new KontrolError('KTL_DNS_DENIED', 'no')
    })
    watch.watch('C1')
    await pass(60)

    expect(told).toEqual(['C1 given up: no'])
  })

  it('is not told of when we stop while its answer is under way', async () => {
    const { watch, told, pass } = watchWith(() => {
      watch.stop()
      return 'INSYNC'
    })
    watch.watch('C1')
    await pass(60)

    expect(told).toEqual([])
  })

  it('is forgotten when we stop', async () => {
    const { watch, told, asked, pass } = watchWith(() => 'INSYNC')
    watch.watch('C1')
    watch.stop()
    await pass(60)

    expect([told, asked()]).toEqual([[], 0])
  })
})
