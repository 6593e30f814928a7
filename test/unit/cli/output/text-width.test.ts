import { describe, expect, it } from 'vitest'
import { cutEnd, cutMiddle, padded, textWidth } from '../../../../src/cli/output/text-width.ts'

describe('the width of a text', () => {
  it.each([
    ['web-1', 5],
    ['é', 1],
    ['e\u0301', 1],
    ['日本', 4],
    ['ｱｲ', 2],
    ['ＡＢ', 4],
    ['한글', 4],
    ['🦄', 2],
    ['…', 1]
  ])('of %s is %i columns', (text, columns) => {
    expect(textWidth(text)).toBe(columns)
  })
})

describe('a text that is too wide', () => {
  it('loses its end, or its middle', () => {
    expect(cutEnd('a sentence', 6)).toBe('a sen…')
    expect(cutMiddle('web-7d4b9c6f5d-x2k2p', 12)).toBe('web-7d…x2k2p')
    expect(cutEnd('short', 5)).toBe('short')
  })

  it('is never cut within a character', () => {
    expect(cutEnd('日本語', 4)).toBe('日…')
    expect(cutMiddle('日本語🦄', 6)).toBe('日…🦄')
    expect(textWidth(padded(cutEnd('日本語', 4), 4))).toBe(4)
  })

  it.each([0, 1, 2, 3])('is never wider than %i columns', (columns) => {
    for (const text of ['日本語', 'abc', 'e\u0301e\u0301e\u0301']) {
      expect(textWidth(cutEnd(text, columns))).toBeLessThanOrEqual(Math.max(1, columns))
      expect(textWidth(cutMiddle(text, columns))).toBeLessThanOrEqual(Math.max(1, columns))
    }
  })
})
