import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareAddresses } from '../../../src/render/ip-order.ts'

describe('compareAddresses', () => {
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

    expect(addresses.sort(compareAddresses)).toEqual([
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
    expect(['fd00:0:0:0:0:0:0:1', 'fd00::1'].sort(compareAddresses)).toEqual(['fd00:0:0:0:0:0:0:1', 'fd00::1'])
    expect(compareAddresses('::1', '0:0:0:0:0:0:0:1')).toBe(1)
  })

  it('orders any two addresses one way', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.oneof(fc.ipV4(), fc.ipV6()), (a, b) => {
        expect(Math.sign(compareAddresses(a, b))).toBe(-Math.sign(compareAddresses(b, a)) + 0)
      })
    )
  })
})
