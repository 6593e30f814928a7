import { describe, expect, it } from 'vitest'
import {
  isJsonNumber,
  JsonNumber,
  parseJson,
  stringifyJson,
  stringifyStrictJson
} from '../../../../src/model/json/json.ts'
import { toKontrolJson } from '../../../../src/model/json/kontrol.ts'

describe('JSON as it was written', () => {
  it.each([
    '12345678901234567890',
    '-9007199254740993',
    '1.0',
    '-0.0',
    '1e22',
    '1e-07',
    '1.5E+300',
    'NaN',
    'Infinity',
    '-Infinity',
    '[1,2.5,null,true,"a"]',
    '{"x":12345678901234567890,"y":1.0}',
    '{"10":"a","9":{"b":NaN},"a":[1.0,[-Infinity]]}',
    '{"a":{"10":1,"2":{}},"__proto__":1.0}',
    '"\\ud83d\\ude00"'
  ])('%s comes back, in this order and with these digits', (text) => {
    const back = stringifyJson(parseJson(text))

    expect(back).toBe(text.startsWith('"') ? '"😀"' : text)
    expect(toKontrolJson(parseJson(`[${text}]`)).replaceAll(/[ \n]/g, '')).toHaveLength(text.length + 2)
  })

  it('is plain where plain numbers and objects hold it', () => {
    expect(parseJson('{"a":[1,-2,2.5,9007199254740991],"ip":"10.0.0.1","n":"1.0"}')).toEqual({
      a: [1, -2, 2.5, 9_007_199_254_740_991],
      ip: '10.0.0.1',
      n: '1.0'
    })
  })

  it('keeps a number as text where a plain one is another', () => {
    expect(parseJson('[9007199254740992, 2.50, "1.0"]')).toEqual([
      new JsonNumber('9007199254740992'),
      new JsonNumber('2.50'),
      '1.0'
    ])
    expect(isJsonNumber({})).toBe(false)
  })

  it('takes a byte order mark', () => {
    expect(parseJson('\uFEFF{"a":1}')).toEqual({ a: 1 })
    expect(stringifyJson(parseJson('\uFEFF{"a":1.0}'))).toBe('{"a":1.0}')
  })

  it('cannot be lost by accident', () => {
    expect(() => JSON.stringify(parseJson('{"a":1.0}'))).toThrow()
    expect(() => JSON.stringify(parseJson('{"1":1}'))).toThrow()
  })

  it('says what is not finite as text where only JSON is read', () => {
    expect(stringifyStrictJson(parseJson('{"a":[NaN,-Infinity,1.0]}'))).toBe('{"a":["NaN","-Infinity",1.0]}')
  })

  it('leaves out what is undefined', () => {
    expect(stringifyJson({ a: undefined, b: parseJson('1.0') })).toBe('{"b":1.0}')
  })

  it.each([
    '{"a":1.0',
    '{"a":1.0}x',
    '[1.0,]',
    '{"a":01.5}',
    '{"a":1.}',
    "{'a':1.0}",
    '{"a":1.0 "b":2}',
    '[1.0,nan]',
    '[1.0,"a\nb"]',
    '[1.0,"\\x"]',
    '',
    '1.0.0'
  ])('refuses %j', (text) => {
    expect(() => parseJson(text)).toThrow()
  })
})
