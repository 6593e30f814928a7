import { describe, expect, it } from 'vitest'
import { eachInTurns, piecesOf } from '../../../src/platform/turns.ts'

function busyFor(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('eachInTurns', () => {
  it('takes every item in its order, and lets others have their turn meanwhile', async () => {
    const taken: number[] = []
    let before = -1
    setImmediate(() => (before = taken.length))

    await eachInTurns(Array.from({ length: 160 }).keys(), (item) => {
      taken.push(item)
      busyFor(1)
    })

    expect(taken).toEqual([...Array.from({ length: 160 }).keys()])
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThan(160)
  })
})

describe('several kinds of long work at once', () => {
  it('take turns, so that others wait no longer than for one, and each comes to its end', async () => {
    const taken = { one: 0, other: 0, third: 0 }
    let [before, counting] = [0, true]
    const perTurn: number[] = []
    const look = (): void => {
      const all = taken.one + taken.other + taken.third
      perTurn.push(all - before)
      before = all
      if (counting) setImmediate(look)
    }
    const work = async (kind: keyof typeof taken): Promise<void> =>
      await eachInTurns(Array.from({ length: 80 }).keys(), () => {
        taken[kind]++
        busyFor(1)
      })

    const all = Promise.all([work('one'), work('other'), work('third')])
    setImmediate(look)
    await all.finally(() => (counting = false))

    expect(taken).toEqual({ one: 80, other: 80, third: 80 })
    // All three had begun before the first look.
    expect(perTurn.length).toBeGreaterThan(20)
    expect(Math.max(...perTurn.slice(1))).toBe(8)
  })
})

describe('piecesOf', () => {
  it.each(['', 'a', 'a\nb', `${'x'.repeat(9_000)}\n${'y\n'.repeat(9_000)}end`, '\n'.repeat(10_000)])(
    'cuts a text at the ends of lines, and loses nothing of it (%#)',
    (text) => {
      const pieces = [...piecesOf(text)]

      expect(pieces.join('')).toBe(text)
      expect(pieces.slice(0, -1).every((piece) => piece.endsWith('\n'))).toBe(true)
      expect(pieces.length).toBeLessThanOrEqual(1 + text.length / 4_096)
    }
  )
})
