import { describe, expect, it } from 'vitest'
import { keyOf, newNonce } from '../../../src/slave/identity.ts'

describe('keyOf', () => {
  it.each([
    ['127.0.0.11', '2kce4X'],
    ['127.0.0.10', '2kce4W'],
    ['0.0.0.0', '0'],
    ['0.0.0.61', 'Z'],
    ['0.0.0.62', '10'],
    ['255.255.255.255', '4GFfc3'],
    ['::', '0'],
    ['::3e', '10'],
    ['::127.0.0.11', '2kce4X'],
    ['2001:db8::1', keyOf('2001:0db8:0000:0000:0000:0000:0000:0001')],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '7N42dgm5tFLK9N8MT7fHC7']
  ])('writes %s as %s', (ip, key) => {
    expect(keyOf(ip)).toBe(key)
  })

  it.each(['localhost', '127.0.0', 'fe80::1%eth0', ''])('refuses "%s", which is no literal address', (ip) => {
    expect(() => keyOf(ip)).toThrowError(`"${ip}" is no literal IPv4 or IPv6 address`)
  })
})

describe('newNonce', () => {
  it('is 16 hex digits, and another one each time', () => {
    expect(newNonce()).toMatch(/^[0-9a-f]{16}$/)
    expect(newNonce()).not.toBe(newNonce())
  })
})
