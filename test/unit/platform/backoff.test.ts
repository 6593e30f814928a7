import { describe, expect, it } from 'vitest'
import { Backoff, type BackoffOptions } from '../../../src/platform/backoff.ts'

const delays = (count: number, options: BackoffOptions): number[] => {
  const backoff = new Backoff(options)
  return Array.from({ length: count }, () => backoff.next())
}

describe('Backoff', () => {
  it.each([
    ['doubles up to its maximum', { firstMs: 100, maxMs: 500 }, [100, 200, 400, 500, 500]],
    ['grows by its factor', { firstMs: 100, maxMs: 1_000, factor: 1.5 }, [100, 150, 225, 337.5]],
    ['is shortened by chance', { firstMs: 100, maxMs: 400, jitter: 0.5, random: () => 0 }, [50, 100, 200, 200]],
    ['is never longer by chance', { firstMs: 100, maxMs: 400, jitter: 0.5, random: () => 1 }, [100, 200, 400, 400]]
  ])('%s', (_what, options, expected) => {
    expect(delays(expected.length, options)).toEqual(expected)
  })

  it('stays at its maximum after thousands of failures', () => {
    expect(delays(5_000, { firstMs: 1, maxMs: 60_000 }).at(-1)).toBe(60_000)
  })

  it('begins anew after a success', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1_000 })
    backoff.next()
    backoff.next()

    backoff.reset()

    expect(backoff.next()).toBe(100)
  })
})
