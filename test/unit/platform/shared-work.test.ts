import { describe, expect, it } from 'vitest'
import { SharedWork } from '../../../src/platform/shared-work.ts'

/** Work whose ends the test decides about. */
function controlled() {
  const ends: { resolve: (value: number) => void; reject: (error: Error) => void }[] = []
  const work = async (): Promise<number> =>
    await new Promise<number>((resolve, reject) => void ends.push({ resolve, reject }))
  return { shared: new SharedWork(work), ends }
}

describe('work that is shared', () => {
  it('is done once for all who ask while it waits to begin, and never begun before somebody has asked', async () => {
    const { shared, ends } = controlled()
    const first = shared.ask()
    const others = [shared.ask(), shared.ask()]
    expect(ends).toHaveLength(1)

    ends[0]?.resolve(1)
    expect(await first).toBe(1)
    expect(ends).toHaveLength(2)
    const late = shared.ask()
    ends[1]?.resolve(2)

    expect(await Promise.all(others)).toEqual([2, 2])
    ends[2]?.resolve(3)
    expect(await late).toBe(3)
    expect(ends).toHaveLength(3)
  })

  it('is not begun twice where somebody asks as the time before ends', async () => {
    const { shared, ends } = controlled()
    const answers: Promise<number>[] = []
    const first = shared.ask()
    const asked = first.then(() => void answers.push(shared.ask()))
    answers.push(shared.ask())
    ends[0]?.resolve(1)
    await asked
    await first
    expect(ends).toHaveLength(2)

    ends[1]?.resolve(2)
    expect(await Promise.all(answers)).toEqual([2, 2])
    expect(ends).toHaveLength(2)
  })

  it('fails for those it was done for, and for nobody else', async () => {
    const { shared, ends } = controlled()
    const first = shared.ask()
    const second = shared.ask()
    ends[0]?.reject(new Error('away'))
    await expect(first).rejects.toThrow('away')

    ends[1]?.resolve(2)
    expect(await second).toBe(2)
    const third = shared.ask()
    ends[2]?.resolve(3)
    expect(await third).toBe(3)
  })
})
