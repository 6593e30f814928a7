import { describe, expect, it } from 'vitest'
import { fields, wrapped } from '../../../../src/cli/output/wrapped.ts'

describe('prose on a terminal', () => {
  it('is broken at blanks, and goes on as far in as it began', () => {
    expect(wrapped('  one two three', 9)).toBe('  one two\n  three')
    expect(wrapped('one two three', 9, 2)).toBe('one two\n  three')
    expect(wrapped('  - one two three', 11)).toBe('  - one two\n    three')
  })

  it('keeps its own lines, and a word that is too wide', () => {
    expect(wrapped('one\ntwo http://127.0.0.1:8000/', 10)).toBe('one\ntwo\nhttp://127.0.0.1:8000/')
    expect(wrapped('日本 日本', 8)).toBe('日本\n日本')
  })

  it('is left alone at a pipe', () => {
    expect(wrapped('one two three', undefined)).toBe('one two three')
  })
})

describe('fields', () => {
  it('stand under each other, and go on below', () => {
    expect(
      fields(
        [
          ['id', '7'],
          ['because', 'one two three\nfour'],
          ['hint', '']
        ],
        18
      )
    ).toBe('id       7\nbecause  one two\n         three\n         four\nhint')
  })
})
