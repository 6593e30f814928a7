import { describe, expect, it } from 'vitest'
import { eachInTurns, piecesOf } from '../../../src/platform/turns.ts'

describe('eachInTurns', () => {
  it('takes every item in its order, and lets others have their turn meanwhile', async () => {
    const taken: number[] = []
    let before = -1
    setImmediate(() => (before = taken.length))

    await eachInTurns(Array.from({ length: 160 }).keys(), (item) => {
      taken.push(item)
      const until = performance.now() + 1
      while (performance.now() < until);
    })

    expect(taken).toEqual([...Array.from({ length: 160 }).keys()])
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThan(160)
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
