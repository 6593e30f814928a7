import { describe, expect, it } from 'vitest'
import { toKontrolJson } from '../../../../src/model/json/kontrol.ts'

describe('toKontrolJson', () => {
  it.each<[string, unknown, string]>([
    ['sorted keys at every depth', { b: { d: 1, c: [] }, a: 'x' }, '{"a": "x", "b": {"c": [], "d": 1}}'],
    ['keys of digits as texts', { '9': 1, '10': 2 }, '{"10": 2, "9": 1}'],
    ['lists', [1, 'two', null, true, 2.5], '[1, "two", null, true, 2.5]'],
    ['characters beyond ASCII escaped', 'é\u{1f600}\u007f', String.raw`"\u00e9\ud83d\ude00\u007f"`],
    ['quotes and newlines escaped', 'a"b\\c\nd', String.raw`"a\"b\\c\nd"`],
    ['separators inside texts left alone', { 'a,b:c': 'd,e:f' }, '{"a,b:c": "d,e:f"}'],
    ['no member without a value', { a: undefined, b: 1 }, '{"b": 1}']
  ])('writes %s', (_what, value, text) => {
    expect(toKontrolJson(value)).toBe(text)
  })
})
