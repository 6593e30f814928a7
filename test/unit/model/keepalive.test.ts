import { describe, expect, it } from 'vitest'
import { parseKeepalive } from '../../../src/model/keepalive.ts'

const valid = { app: 'web', id: 'web-127-0-0-11', ip: '127.0.0.11', key: '2kce4X', role: 'r', payload: '' }

const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))

describe('parseKeepalive', () => {
  it('accepts a payload nested as deep as allowed', () => {
    expect(parseKeepalive({ ...valid, payload: nested(32) }).payload).toEqual(nested(32))
  })

  it('returns what the HTTP generation of Kontrol sends', () => {
    expect(parseKeepalive(valid)).toEqual(valid)
  })

  it('drops fields that it does not know', () => {
    expect(parseKeepalive({ ...valid, future: 1 })).toEqual(valid)
  })

  it('accepts an IPv6 address', () => {
    expect(parseKeepalive({ ...valid, ip: '2001:db8::1' }).ip).toBe('2001:db8::1')
  })

  it.each([
    ['a name as ip', { ip: 'localhost' }, /ip must be a literal/],
    ['a scoped IPv6 address', { ip: 'fe80::1%eth0' }, /ip must be a literal/],
    ['an app with a newline', { app: 'web\nglobal' }, /app must match pattern/],
    ['an app that ends in a newline', { app: 'web\n' }, /app must match pattern/],
    ['an app of 64 characters', { app: 'a'.repeat(64) }, /app must match pattern/],
    ['an empty role', { role: '' }, /role must match pattern/],
    ['a number as key', { key: 7 }, /key must be string/],
    ['a payload nested too deep', { payload: nested(33) }, /payload must be nested at most 32 deep/],
    ['a payload nested absurdly deep', { payload: nested(15_000) }, /payload must be nested at most 32 deep/],
    ['a payload over its limit', { payload: 'x'.repeat(33_000) }, /payload must be at most 32768 bytes/]
  ])('refuses %s and says which field', (_case, change, expected) => {
    expect(() => parseKeepalive({ ...valid, ...change })).toThrowError(expected)
  })

  it('names every missing field at once', () => {
    expect(() => parseKeepalive({ app: 'web' })).toThrowError(/id, ip, key, role/)
  })

  it.each([[null], ['text'], [[]], [7]])('refuses %j, which is no object', (body) => {
    expect(() => parseKeepalive(body)).toThrowError('the body must be a JSON object')
  })
})
