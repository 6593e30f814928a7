import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { DnsProvider } from '../../../src/dns/records/record-set.ts'
import { createRoute53Provider } from '../../../src/dns/route53.ts'
import { Zones } from '../../../src/dns/zones.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { Route53Fault } from '../../support/dns/route53-fault.ts'
import { Route53Double, throttling } from '../../support/dns/route53-double.ts'

const never = new AbortController().signal
let double: Route53Double
let provider: DnsProvider

beforeEach(async () => {
  double = await Route53Double.start()
  for (const [name, value] of Object.entries(double.env)) vi.stubEnv(name, value)
  provider = await createRoute53Provider({ attempts: 1 })
})

afterEach(async () => {
  provider.close()
  await double[Symbol.asyncDispose]()
  vi.unstubAllEnvs()
})

describe('the zone of a name', () => {
  const clock = new FakeClock()

  it('is the longest of five that match', async () => {
    double.addZone('Z1', 'com')
    double.addZone('Z2', 'bar.com')
    double.addZone('Z3', 'eu.bar.com')
    double.addZone('Z4', 'xeu.bar.com')
    double.addZone('Z5', 'deep.eu.bar.com', { isPrivate: true })
    const zones = new Zones(provider, clock)

    expect(await zones.find('www.eu.bar.com', undefined, never)).toEqual({
      id: 'Z3',
      name: 'eu.bar.com',
      isPrivate: false
    })
    expect((await zones.find('eu.bar.com', undefined, never)).id).toBe('Z3')
    expect((await zones.find('www.deep.eu.bar.com', undefined, never)).id).toBe('Z3')
    expect((await zones.find('*.bar.com', undefined, never)).id).toBe('Z2')
    expect((await zones.find('foobar.com', undefined, never)).id).toBe('Z1')
    expect(double.count('ListHostedZones')).toBe(1)
  })

  it('is found on the last of many pages', async () => {
    for (let index = 0; index < 250; index++) double.addZone(`Z${index}`, `zone${index}.com`)
    const zones = new Zones(provider, clock)

    expect((await zones.find('foo.zone249.com', undefined, never)).id).toBe('Z249')
    expect(double.count('ListHostedZones')).toBe(3)
  })

  it('may be private when its id is given, without listing any other', async () => {
    double.addZone('Z1', 'bar.com')
    double.addZone('ZPRIVATE', 'bar.com', { isPrivate: true })
    const zones = new Zones(provider, clock)

    expect((await zones.find('foo.bar.com', 'ZPRIVATE', never)).id).toBe('ZPRIVATE')
    expect(double.count('ListHostedZones')).toBe(0)
  })

  it('must hold the name even when its id is given', async () => {
    double.addZone('Z1', 'bar.com')

    await expect(new Zones(provider, clock).find('foo.example.org', 'Z1', never)).rejects.toMatchObject({
      code: 'KTL_DNS_NO_ZONE',
      message: 'the name is not in hosted zone Z1 (bar.com)'
    })
  })

  it('must exist when its id is given', async () => {
    await expect(new Zones(provider, clock).find('foo.bar.com', 'ZNONE', never)).rejects.toMatchObject({
      code: 'KTL_DNS_NO_ZONE',
      message: 'GetHostedZone: NoSuchHostedZone: No hosted zone found with ID: ZNONE'
    })
  })

  it('is not a private one by chance, but the error tells of it', async () => {
    double.addZone('ZPRIVATE', 'bar.com', { isPrivate: true })

    await expect(new Zones(provider, clock).find('foo.bar.com', undefined, never)).rejects.toMatchObject({
      code: 'KTL_DNS_NO_ZONE',
      hint: expect.stringContaining('haproxy.unity3d.com/route53-zone: ZPRIVATE') as string
    })
  })

  it('is not guessed between two of the same name', async () => {
    double.addZone('Z1', 'bar.com')
    double.addZone('Z2', 'bar.com')

    await expect(new Zones(provider, clock).find('foo.bar.com', undefined, never)).rejects.toMatchObject({
      code: 'KTL_DNS_ZONE_AMBIGUOUS',
      message: 'two public hosted zones are named bar.com: Z1 and Z2'
    })
  })

  it('is looked up anew after a miss, and after half an hour', async () => {
    const zones = new Zones(provider, clock)
    await expect(zones.find('foo.bar.com', undefined, never)).rejects.toMatchObject({ code: 'KTL_DNS_NO_ZONE' })
    double.addZone('Z1', 'bar.com')
    expect((await zones.find('foo.bar.com', undefined, never)).id).toBe('Z1')

    double.addZone('Z2', 'foo.bar.com')
    expect((await zones.find('foo.bar.com', undefined, never)).id).toBe('Z1')
    clock.advance(30 * 60_000)

    expect((await zones.find('foo.bar.com', undefined, never)).id).toBe('Z2')
  })
})

describe('the record sets of a name', () => {
  it('are all of its types and no neighbour, across pages', async () => {
    const zone = double.addZone('Z1', 'bar.com')
    for (const identifier of ['a', 'b', 'c', 'd', 'e']) {
      zone.put('foo.bar.com', 'A', ['192.0.2.1'], { identifier, extra: { Weight: '1' } })
    }
    zone.put('foo.bar.com', 'TXT', ['"x"'])
    zone.put('a.foo.bar.com', 'A', ['192.0.2.2'])
    zone.put('fop.bar.com', 'A', ['192.0.2.3'])
    double.pageSize = 2

    const sets = await provider.listRecordSets('Z1', 'foo.bar.com', never)

    expect(sets.map(({ type }) => type)).toEqual(['A', 'A', 'A', 'A', 'A', 'TXT'])
    expect(sets.map(({ special }) => special)).toContain('a weighted record set "c"')
    expect(double.count('ListResourceRecordSets')).toBe(3)
  })

  it('are found for a wildcard, which Route53 escapes', async () => {
    double.addZone('Z1', 'bar.com').put('*.bar.com', 'A', ['192.0.2.1'])

    expect(await provider.listRecordSets('Z1', '*.bar.com', never)).toMatchObject([
      { name: '*.bar.com', type: 'A', ttl: 60, values: ['192.0.2.1'], raw: { Name: '\\052.bar.com.' } }
    ])
  })

  it('are found at the apex beside NS and SOA', async () => {
    double.addZone('Z1', 'bar.com').put('bar.com', 'A', ['192.0.2.1'])

    expect((await provider.listRecordSets('Z1', 'bar.com', never)).map(({ type }) => type)).toEqual(['A', 'NS', 'SOA'])
  })

  it('are none for a name that sorts behind everything', async () => {
    double.addZone('Z1', 'bar.com')

    expect(await provider.listRecordSets('Z1', 'zzz.bar.com', never)).toEqual([])
  })

  it.each([
    ['failover', { Failover: 'PRIMARY' }],
    ['multivalue', { MultiValueAnswer: 'true' }],
    ['geographic', { GeoLocation: { CountryCode: 'DE' } }]
  ])('tell their routing policy: %s', async (policy, extra) => {
    double.addZone('Z1', 'bar.com').put('foo.bar.com', 'A', ['192.0.2.1'], { identifier: 'x', extra })

    expect((await provider.listRecordSets('Z1', 'foo.bar.com', never))[0]?.special).toBe(`a ${policy} record set "x"`)
  })

  it('tell the traffic policy that made them', async () => {
    double
      .addZone('Z1', 'bar.com')
      .put('foo.bar.com', 'A', ['192.0.2.1'], { extra: { TrafficPolicyInstanceId: 'tp-1' } })

    expect((await provider.listRecordSets('Z1', 'foo.bar.com', never))[0]?.special).toBe(
      'a record set of traffic policy instance tp-1'
    )
  })
})

describe('one call', () => {
  it('is signed for us-east-1 when nothing names a region', async () => {
    vi.stubEnv('AWS_REGION', '')
    provider = await createRoute53Provider({ attempts: 1 })

    expect(await provider.listZones(never)).toEqual([])
  })

  it('is tried three times by the SDK, which rides over two throttlings', async () => {
    provider = await createRoute53Provider()
    double.trouble('ListHostedZones', throttling(), throttling())

    expect(await provider.listZones(never)).toEqual([])
    expect(double.count('ListHostedZones')).toBe(3)
  })

  it('ends when the service does not answer', async () => {
    provider = await createRoute53Provider({ attempts: 1, callTimeoutMs: 50 })
    double.trouble('ListHostedZones', 'hang')

    await expect(provider.listZones(never)).rejects.toMatchObject({
      code: 'KTL_DNS_UNAVAILABLE',
      message: 'ListHostedZones: no answer within 50 ms',
      retryable: true
    })
  })

  it('ends one attempt in time', async () => {
    provider = await createRoute53Provider({ attempts: 2, attemptTimeoutMs: 1_000 })
    double.trouble('ListHostedZones', 'hang')

    expect(await provider.listZones(never)).toEqual([])
  })

  it('ends when we stop', async () => {
    double.trouble('ListHostedZones', 'hang')
    const stopping = new AbortController()
    const call = provider.listZones(stopping.signal)

    stopping.abort()

    await expect(call).rejects.toMatchObject({ code: 'KTL_DNS_UNAVAILABLE' })
  })

  it.each([
    [500, 'InternalFailure', 'KTL_DNS_UNAVAILABLE'],
    [503, 'ServiceUnavailable', 'KTL_DNS_UNAVAILABLE'],
    [400, 'InvalidInput', 'KTL_DNS_REFUSED'],
    [403, 'ExpiredToken', 'KTL_DNS_DENIED'],
    [403, 'SomethingNew', 'KTL_DNS_DENIED']
  ])('that is answered with %s %s is %s', async (status, name, code) => {
    double.trouble('ListHostedZones', new Route53Fault(status, name, 'because'))

    await expect(provider.listZones(never)).rejects.toMatchObject({
      code,
      message: `ListHostedZones: ${name}: because`,
      hint: expect.any(String) as string
    })
  })
})
