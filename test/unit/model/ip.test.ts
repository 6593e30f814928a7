import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalIp, compareIps, isLiteralIp, isSameIp, parseIp } from '../../../src/model/ip.ts'

describe('compareIps', () => {
  it('sorts by number, IPv4 before IPv6, and what is no address last', () => {
    const addresses = [
      'web',
      '::ffff:10.0.0.1',
      'fd00::2',
      '10.0.0.10',
      '::1',
      '10.0.0.9',
      'fd00::1:0:0:1',
      '9.255.255.255',
      'api'
    ]

    expect(addresses.sort(compareIps)).toEqual([
      '9.255.255.255',
      '10.0.0.9',
      '10.0.0.10',
      '::1',
      '::ffff:10.0.0.1',
      'fd00::2',
      'fd00::1:0:0:1',
      'api',
      'web'
    ])
  })

  it('takes two ways to write one address for neighbours, in the order of their text', () => {
    expect(['fd00:0:0:0:0:0:0:1', 'fd00::1'].sort(compareIps)).toEqual(['fd00:0:0:0:0:0:0:1', 'fd00::1'])
    expect(compareIps('::1', '0:0:0:0:0:0:0:1')).toBe(1)
  })

  it('orders any two addresses one way', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.oneof(fc.ipV4(), fc.ipV6()), (a, b) => {
        expect(Math.sign(compareIps(a, b))).toBe(-Math.sign(compareIps(b, a)) + 0)
      })
    )
  })
})

describe('parseIp', () => {
  it.each([
    ['127.0.0.11', 4, 0x7f00000bn],
    ['::', 6, 0n],
    ['::1', 6, 1n],
    ['1::', 6, 1n << 112n],
    ['2001:DB8::10.0.0.1', 6, (0x20010db8n << 96n) | 0x0a000001n],
    ['1:2:3:4:5:6:7:8', 6, 0x00010002000300040005000600070008n]
  ] as const)('reads %s', (text, family, number) => {
    expect(parseIp(text)).toEqual({ family, number })
    expect(isLiteralIp(text)).toBe(true)
  })

  it.each([
    '',
    'web',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '1.2.3.4:80',
    '[::1]',
    ':::',
    '::1::',
    '1:2',
    'fe80::1%eth0'
  ])('takes %j for no address', (text) => {
    expect(parseIp(text)).toBeUndefined()
    expect(isLiteralIp(text)).toBe(false)
    expect(canonicalIp(text)).toBeUndefined()
  })

  it('reads the number that the canonical spelling stands for, and knows the address in any spelling', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const canonical = canonicalIp(text) as string
        expect(parseIp(canonical)).toEqual(parseIp(text))
        expect(isSameIp(canonical, text.toUpperCase())).toBe(true)
      })
    )
  })

  it('does not take an address for another', () => {
    expect(isSameIp('::1', '::2')).toBe(false)
    expect(isSameIp('0.0.0.1', '::1')).toBe(false)
    expect(isSameIp('web', 'api')).toBe(false)
    expect(isSameIp('', '')).toBe(true)
  })
})
