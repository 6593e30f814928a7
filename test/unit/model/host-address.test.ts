import { describe, expect, it } from 'vitest'
import { isPublishable, problemOfHost, unmapped } from '../../../src/model/host-address.ts'

describe('the address of a host', () => {
  it.each([
    ...['10.0.0.1', '100.64.0.1', '100.100.100.201', '127.0.0.1', '1.1.1.1', '169.253.0.1', '223.255.255.255'],
    ...['240.0.0.1', '::1', '2001:db8::1', 'fd12::1', 'fd00:ec1::254', 'fec0::1', '::ffff:10.0.0.1', '64:ff9b::a00:1']
  ])('may be %s', (ip) => {
    expect(problemOfHost(ip)).toBeUndefined()
  })

  it.each([
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['169.254.169.254', 'link-local'],
    ['169.254.170.2', 'link-local'],
    ['100.100.100.200', 'metadata'],
    ['168.63.129.16', 'metadata'],
    ['::', 'unspecified'],
    ['0:0:0:0:0:0:0:0', 'unspecified'],
    ['ff02::1', 'multicast'],
    ['fd00:ec2::254', 'metadata'],
    ['fe80::1', 'link-local'],
    ['FEBF:FFFF::1', 'link-local'],
    ['::ffff:0.0.0.0', 'unspecified'],
    ['::ffff:a9fe:a9fe', 'link-local'],
    ['::FFFF:224.0.0.1', 'multicast'],
    ['0::ffff:255.255.255.255', 'broadcast'],
    ['64:ff9b::169.254.169.254', 'link-local'],
    ['::127.0.0.1', 'IPv4-compatible'],
    ['::ffff', 'IPv4-compatible'],
    ['::ffff:7f00', 'IPv4-compatible'],
    ['host', 'not literal'],
    ['fe80::1%eth0', 'not literal']
  ])('is not %s, which is %s', (ip, problem) => {
    expect(problemOfHost(ip)).toBe(problem)
    expect(isPublishable(ip)).toBe(false)
  })

  it.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:ffff:ffff', '255.255.255.255'],
    ['::ffff:80:1', '0.128.0.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['192.0.2.1', '192.0.2.1'],
    ['text', 'text']
  ])('is %s mapped, and %s plainly', (mapped, plain) => {
    expect(unmapped(mapped)).toBe(plain)
  })
})
