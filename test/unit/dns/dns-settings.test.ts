import { describe, expect, it } from 'vitest'
import { findKontrolError } from '../../../src/errors.ts'
import { annotate } from '../../support/dns/dns-fixture.ts'

describe('the Route53 annotations', () => {
  it('ask for nothing when the names are absent or blank', () => {
    expect(annotate({})).toBeUndefined()
    expect(annotate({ '': ' ', ttl: 'rubbish' })).toBeUndefined()
  })

  it('have defaults beside the names', () => {
    expect(annotate({ '': 'foo.bar.com, Baz.bar.com.,foo.BAR.com,' })).toEqual({
      names: ['foo.bar.com', 'baz.bar.com'],
      ttl: 60,
      overwrite: false
    })
  })

  it('are all read', () => {
    const all = {
      ttl: ' 0 ',
      zone: '/hostedzone/Z148QEXAMPLE8V',
      overwrite: 'True',
      owner: ' east/1 ',
      networks: '192.0.2.0/24, 2001:db8::/32,10.0.0.7'
    }
    expect(annotate({ '': 'foo.bar.com', ...all })).toEqual({
      names: ['foo.bar.com'],
      ttl: 0,
      zoneId: 'Z148QEXAMPLE8V',
      overwrite: true,
      owner: 'east/1',
      networks: ['192.0.2.0/24', '2001:db8::/32', '10.0.0.7']
    })
  })

  it('take the longest TTL of Route53 and not a second more', () => {
    expect(annotate({ '': 'foo.bar.com', ttl: '2147483647' })?.ttl).toBe(2_147_483_647)
    expect(() => annotate({ '': 'foo.bar.com', ttl: '2147483648' })).toThrow('route53-ttl must be')
    for (const ttl of ['-1', '1.5', '1e3', '60s']) {
      expect(() => annotate({ '': 'foo.bar.com', ttl })).toThrow(`got "${ttl}"`)
    }
  })

  it('report every problem at once', () => {
    const error = caught(() =>
      annotate({ '': 'a b.com,localhost,ok.com', ttl: 'x', zone: 'bar.com', overwrite: 'yes', owner: 'a,b' })
    )

    expect(error?.code).toBe('KTL_DNS_ANNOTATION_INVALID')
    expect(error?.message.split('\n  - ').slice(1)).toEqual([
      'haproxy.unity3d.com/route53 holds "a b.com", which is not a domain name',
      'haproxy.unity3d.com/route53 holds "localhost", which is not a domain name',
      'haproxy.unity3d.com/route53-ttl must be a whole number of seconds from 0 to 2147483647, got "x"',
      'haproxy.unity3d.com/route53-zone must be the id of a hosted zone such as Z148QEXAMPLE8V, got "bar.com"',
      'haproxy.unity3d.com/route53-overwrite must be "true" or "false", got "yes"',
      'haproxy.unity3d.com/route53-owner must be 1 to 63 letters, digits, dots, hyphens, underscores or slashes, got "a,b"'
    ])
  })

  it.each(['', '10.0.0.0/33', '2001:db8::/129', '10.0.0.0/8,', 'internal', '10.0.0.0/-1', '10.0.0.0/8/8'])(
    'allow no addresses by a mistake: %j',
    (networks) => {
      expect(() => annotate({ '': 'foo.bar.com', networks })).toThrow(
        `route53-networks must be a comma list of networks`
      )
    }
  )

  it('must name at least one domain when they are there', () => {
    expect(() => annotate({ '': ' , ,' })).toThrow('names no domain, got ", ,"')
  })
})

function caught(act: () => unknown) {
  try {
    act()
    return undefined
  } catch (error) {
    return findKontrolError(error)
  }
}
