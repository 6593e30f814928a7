import { describe, expect, it } from 'vitest'
import { startDns } from '../../support/dns/dns-fixture.ts'

const never = new AbortController().signal
const HALF_AN_HOUR = 30 * 60_000
const OURS = '"heritage=external-dns,external-dns/owner=east,external-dns/resource=kontrol-haproxy"'
const mark = (owner: string, resource: string): string =>
  `"heritage=external-dns,external-dns/owner=${owner},external-dns/resource=${resource}"`

describe('whose a name is', () => {
  it.each([
    ['at the name', 'foo.bar.com', mark('shop', 'ingress/shop/web')],
    ['before the name', 'a-foo.bar.com', mark('shop', 'ingress/shop/web')],
    ['that is called as we are', 'foo.bar.com', mark('east', 'ingress/shop/web')],
    ['in two pieces', 'foo.bar.com', '"heritage=external-dns,external-" "dns/owner=shop"']
  ])('a mark of external-dns %s says that it is not ours', async (_where, at, text) => {
    await using dns = await startDns({ '': 'foo.bar.com', overwrite: 'true', owner: 'east' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    zone.put('foo.bar.com', 'A', ['192.0.2.66'])
    zone.put(at, 'TXT', [text])

    await expect(dns.exposer.expose(['192.0.2.1'], never)).rejects.toMatchObject({ code: 'KTL_DNS_CONFLICT' })

    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.66'])
    expect(dns.double.count('ChangeResourceRecordSets')).toBe(0)
  })

  it('texts of other kinds say nothing', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    zone.put('foo.bar.com', 'TXT', ['"v=spf1 -all"', '"heritage=of mankind,owner=nobody"'])

    expect((await dns.exposer.expose(['192.0.2.1'], never)).outcome).toBe('submitted')
  })

  it('nothing is marked unless an owner is named, and then once, with the record and beside other texts', async () => {
    await using plain = await startDns({ '': 'foo.bar.com' })
    const bare = plain.double.addZone('Z1', 'bar.com')
    await plain.exposer.expose(['192.0.2.1'], never)
    expect(bare.valuesOf('foo.bar.com', 'TXT')).toBeUndefined()

    await using dns = await startDns({ '': 'foo.bar.com,bar.com', owner: 'east' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    zone.put('bar.com', 'TXT', ['"v=spf1 -all"'])
    zone.put('bar.com', 'A', ['192.0.2.1'])
    await dns.exposer.expose(['192.0.2.1'], never)

    expect(zone.valuesOf('foo.bar.com', 'TXT')).toEqual([OURS])
    expect(zone.valuesOf('bar.com', 'TXT')).toEqual([OURS, '"v=spf1 -all"'])
    expect(dns.double.count('ChangeResourceRecordSets')).toBe(1)
    expect((await dns.exposer.expose(['192.0.2.1'], never)).outcome).toBe('unchanged')
  })

  it('a text that was changed between the look and the mark is not lost', async () => {
    await using dns = await startDns({ '': 'bar.com', owner: 'east' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    zone.put('bar.com', 'TXT', ['"v=spf1 -all"'])
    dns.double.onCall('ChangeResourceRecordSets', () => zone.put('bar.com', 'TXT', ['"v=spf1 mx -all"']))

    await expect(dns.exposer.expose(['192.0.2.1'], never)).rejects.toMatchObject({ code: 'KTL_DNS_RACE' })
    await dns.exposer.expose(['192.0.2.1'], never)

    expect(zone.valuesOf('bar.com', 'TXT')).toEqual([OURS, '"v=spf1 mx -all"'])
  })

  it('a mark that is refused is told with the record, and the other names are in line', async () => {
    await using dns = await startDns({ '': 'foo.bar.com,baz.bar.com', owner: 'east' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    zone.put('foo.bar.com', 'A', ['192.0.2.1'])
    zone.put('foo.bar.com', 'TXT', ['"x"'], { identifier: 'blue', extra: { Weight: '1' } })

    await expect(dns.exposer.expose(['192.0.2.1'], never)).rejects.toMatchObject({ code: 'KTL_DNS_CONFLICT' })

    expect(dns.record('foo.bar.com')?.lastError?.message).toContain('a weighted record set "blue" of type TXT')
    expect(zone.valuesOf('baz.bar.com', 'TXT')).toEqual([OURS])
  })
})

describe('a name below a delegation', () => {
  it.each([['foo.bar.com'], ['c.foo.bar.com'], ['b.foo.bar.com']])(
    'is told and not written when %s is delegated',
    async (delegated) => {
      await using dns = await startDns({ '': 'a.b.c.foo.bar.com,b.foo.bar.com,top.bar.com' })
      const zone = dns.double.addZone('Z1', 'bar.com')
      zone.put(delegated, 'NS', ['ns.elsewhere.example.'])

      await expect(dns.exposer.expose(['192.0.2.1'], never)).rejects.toMatchObject({
        code: 'KTL_DNS_NO_ZONE',
        message: expect.stringContaining(`delegates ${delegated} to ns.elsewhere.example.`) as string
      })

      expect(zone.valuesOf('top.bar.com', 'A')).toEqual(['192.0.2.1'])
      expect(zone.valuesOf(delegated === 'c.foo.bar.com' ? 'a.b.c.foo.bar.com' : 'b.foo.bar.com', 'A')).toBeUndefined()
    }
  )

  it('is looked for twice an hour, and each time while it is there', async () => {
    await using dns = await startDns({ '': 'a.foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    zone.put('foo.bar.com', 'NS', ['ns.elsewhere.example.'])
    await expect(dns.exposer.expose(['192.0.2.1'], never)).rejects.toThrow('delegates')
    zone.remove('foo.bar.com', 'NS')
    await dns.exposer.expose(['192.0.2.1'], never)
    const looks = dns.double.count('ListResourceRecordSets')

    await dns.exposer.expose(['192.0.2.1'], never)
    expect(dns.double.count('ListResourceRecordSets')).toBe(looks + 1)

    dns.clock.advance(HALF_AN_HOUR)
    zone.put('foo.bar.com', 'NS', ['ns.elsewhere.example.'])
    await expect(dns.exposer.expose(['192.0.2.1'], never)).rejects.toThrow('delegates')
  })
})
