import { describe, expect, it } from 'vitest'
import { fromRoute53Name, isInZone, normalizeDomainName } from '../../../src/dns/records/domain-name.ts'

describe('a domain name', () => {
  it.each([
    ['foo.bar.com', 'foo.bar.com'],
    [' Foo.BAR.com. ', 'foo.bar.com'],
    ['*.bar.com', '*.bar.com'],
    ['*.Bücher.example', '*.xn--bcher-kva.example'],
    ['中文。com', 'xn--fiq228c.com'],
    ['_acme.bar.com', '_acme.bar.com'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    [`${'a'.repeat(63)}.com`, `${'a'.repeat(63)}.com`]
  ])('%j is compared as %j', (raw, expected) => {
    expect(normalizeDomainName(raw)).toBe(expected)
  })

  it.each([
    '',
    '.',
    'localhost',
    'foo..com',
    '.bar.com',
    'foo bar.com',
    'foo.*.com',
    '*',
    '**.bar.com',
    '192.0.2.1',
    '0x7f.1.com/x',
    'http://foo.com',
    'foo.com:80',
    'foo%2ebar.com',
    '-foo.com',
    'foo-.com',
    `${'a'.repeat(64)}.com`,
    `${'a.'.repeat(126)}com`,
    `*.${'a.'.repeat(125)}com`
  ])('%j is none', (raw) => {
    expect(normalizeDomainName(raw)).toBeUndefined()
  })
})

describe('a name as Route53 prints it', () => {
  it.each([
    ['\\052.Bar.com.', '*.bar.com'],
    ['bar.com.', 'bar.com'],
    ['a\\100b.com.', 'a@b.com']
  ])('%j is %j', (printed, expected) => {
    expect(fromRoute53Name(printed)).toBe(expected)
  })
})

describe('a zone', () => {
  it('holds its apex and what is below, and no name that merely ends alike', () => {
    expect(isInZone('bar.com', 'bar.com')).toBe(true)
    expect(isInZone('*.bar.com', 'bar.com')).toBe(true)
    expect(isInZone('a.b.bar.com', 'bar.com')).toBe(true)
    expect(isInZone('foobar.com', 'bar.com')).toBe(false)
    expect(isInZone('com', 'bar.com')).toBe(false)
  })
})
