import { describe, expect, it, vi } from 'vitest'
import { parseJson } from '../../../src/model/json/json.ts'
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
    ['the unspecified address', { ip: '0.0.0.0' }, /ip must be the address of a host, and 0.0.0.0 is unspecified/],
    ['a multicast address', { ip: '224.0.0.1' }, /224.0.0.1 is multicast/],
    ['the address of cloud metadata', { ip: '169.254.169.254' }, /169.254.169.254 is link-local/],
    ['an app with a newline', { app: 'web\nglobal' }, /app must match pattern/],
    ['an app that ends in a newline', { app: 'web\n' }, /app must match pattern/],
    ['an app of 64 characters', { app: 'a'.repeat(64) }, /app must match pattern/],
    ['an empty app', { app: '' }, /app must match pattern/],
    ['a number as key', { key: 7 }, /key must be string/]
  ])('refuses %s and says which field', (_case, change, expected) => {
    expect(() => parseKeepalive({ ...valid, ...change })).toThrowError(expected)
  })

  it.each([
    ['nested too deep', nested(33), /payload must be nested at most 32 deep/],
    ['nested absurdly deep', nested(15_000), /payload must be nested at most 32 deep/],
    ['over its limit', 'x'.repeat(33_000), /payload must be at most 32768 bytes/],
    ['with an int that Python refuses', parseJson(`{"a":[${'9'.repeat(4301)}]}`), /no whole number of more than 4300/]
  ])('takes a pod without a payload that is %s, and says why', (_case, payload, expected) => {
    const onBadPayload = vi.fn()

    expect(parseKeepalive({ ...valid, payload }, onBadPayload)).toEqual({ ...valid, payload: undefined })
    expect(onBadPayload).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(expected))
  })

  it.each([
    ['a number', 12_345, '12345'],
    ['a number beyond 2^53', parseJson('12345678901234567890'), '12345678901234567890']
  ])('takes an id that is %s as text', (_case, id, expected) => {
    expect(parseKeepalive({ ...valid, id }).id).toBe(expected)
  })

  it('takes an empty role, which is a legal label', () => {
    expect(parseKeepalive({ ...valid, role: '' }).role).toBe('')
  })

  it('names every missing field at once', () => {
    expect(() => parseKeepalive({ app: 'web' })).toThrowError(/id, ip, key, role/)
  })

  it.each([[null], ['text'], [[]], [7]])('refuses %j, which is no object', (body) => {
    expect(() => parseKeepalive(body)).toThrowError('the body must be a JSON object')
  })
})
