import { describe, expect, it } from 'vitest'
import { externalAddresses, groupAddresses, parseExposeInput } from '../../../src/dns/records/addresses.ts'

const proxy = (payload: unknown) => ({ payload })

describe('the external addresses of the proxies', () => {
  it('are those of their payloads, sorted and each once', () => {
    expect(
      externalAddresses([
        proxy({ eip: '198.51.100.7' }),
        proxy({ eip: ['192.0.2.1', '2001:DB8:0:0::1'] }),
        proxy({ eip: ' 192.0.2.1 ' }),
        proxy({ eip: '2001:db8::1', other: 1 })
      ])
    ).toEqual(['192.0.2.1', '198.51.100.7', '2001:db8::1'])
  })

  it.each([
    undefined,
    null,
    'text',
    [],
    {},
    { eip: null },
    { eip: '' },
    { eip: 'example.com' },
    { eip: '192.0.2.256' },
    { eip: '192.0.2.01' },
    { eip: 'fe80::1%eth0' },
    { eip: '[2001:db8::1]' },
    { eip: 3232235521 },
    { eip: { ip: '192.0.2.1' } },
    { eip: [['192.0.2.1']] }
  ])('are none in the payload %j, which does not hide the others', (payload) => {
    expect(externalAddresses([proxy(payload), proxy({ eip: '192.0.2.1' })])).toEqual(['192.0.2.1'])
    expect(externalAddresses([{}])).toEqual([])
  })

  it.each([
    ...['127.0.0.1', '0.0.0.0', '169.254.169.254', '224.0.0.1', '240.0.0.1', '255.255.255.255', '::', '::1'],
    ...['fe80::1', 'ff02::1', '::ffff:127.0.0.1', '::ffff:169.254.169.254', '64:ff9b::a00:1', 'fd00:ec2::254']
  ])('never are %s, to which no client can be sent', (eip) => {
    expect(externalAddresses([proxy({ eip: [eip, '192.0.2.1'] })])).toEqual(['192.0.2.1'])
    expect(() => parseExposeInput(JSON.stringify([eip]))).toThrow(/Not a list of addresses/)
  })

  it('are IPv4 where they are written as IPv6', () => {
    expect(
      groupAddresses(externalAddresses([proxy({ eip: ['::ffff:192.0.2.1', '192.0.2.1', '::FFFF:c000:202'] })]))
    ).toEqual({
      A: ['192.0.2.1', '192.0.2.2'],
      AAAA: []
    })
  })

  it('may be private', () => {
    const eip = ['10.0.0.1', '100.64.0.1', '172.16.0.1', '192.168.0.1', 'fd12::1']
    expect(externalAddresses([proxy({ eip })])).toEqual(eip)
  })

  it('are split by record type', () => {
    expect(groupAddresses(['2001:db8::1', '192.0.2.2', 'nonsense', '192.0.2.1', '192.0.2.2'])).toEqual({
      A: ['192.0.2.1', '192.0.2.2'],
      AAAA: ['2001:db8::1']
    })
  })
})

describe('the input of the step expose-via-route53', () => {
  it('is the JSON list that a master of the original sends', () => {
    expect(parseExposeInput('["1.2.3.4"]')).toEqual(['1.2.3.4'])
    expect(parseExposeInput(`'["1.2.3.4"]'`)).toEqual(['1.2.3.4'])
    expect(parseExposeInput(' ["5.6.7.8", null, "", "1.2.3.4", "1.2.3.4"] ')).toEqual(['1.2.3.4', '5.6.7.8'])
    expect(parseExposeInput('[]')).toEqual([])
  })

  it.each(['', 'null', '{}', '"1.2.3.4"', '1.2.3.4', '["1.2.3.4"', '["example.com"]', '[1]'])(
    'is refused: %j',
    (input) => {
      expect(() => parseExposeInput(input)).toThrow(expect.objectContaining({ code: 'KTL_REQUEST_INVALID' }) as Error)
    }
  )

  it('is quoted only as far as one can read it', () => {
    expect(() => parseExposeInput('x'.repeat(5_000))).toThrow(/^Not a list of addresses: x{200}$/)
  })
})
