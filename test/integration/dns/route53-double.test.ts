import {
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  ListHostedZonesCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
  type Change,
  type ResourceRecordSet
} from '@aws-sdk/client-route-53'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Route53Double } from '../../support/dns/route53-double.ts'
import type { Route53Zone } from '../../support/dns/route53-zone.ts'

let double: Route53Double
let client: Route53Client
let zone: Route53Zone

beforeEach(async () => {
  double = await Route53Double.start()
  for (const [name, value] of Object.entries(double.env)) vi.stubEnv(name, value)
  client = new Route53Client({ maxAttempts: 1 })
  zone = double.addZone('Z1', 'bar.com')
})

afterEach(async () => {
  client.destroy()
  await double[Symbol.asyncDispose]()
  vi.unstubAllEnvs()
})

const set = (Name: string, values: string[], more: Partial<ResourceRecordSet> = {}): ResourceRecordSet => ({
  Name,
  Type: 'A',
  TTL: 60,
  ResourceRecords: values.map((Value) => ({ Value })),
  ...more
})

const change = (...Changes: Change[]) =>
  client.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: 'Z1', ChangeBatch: { Changes } }))

const upsert = (Name: string, values: string[], more?: Partial<ResourceRecordSet>) =>
  change({ Action: 'UPSERT', ResourceRecordSet: set(Name, values, more) })

describe('the double refuses what Route53 refuses', () => {
  const refusals: [string, () => Promise<unknown>, string, RegExp][] = [
    ['no IPv4 address', () => upsert('a.bar.com', ['1.2.3.400']), 'InvalidChangeBatch', /ARRDATAIllegalIPv4Address/],
    [
      'two addresses in one value',
      () => upsert('a.bar.com', ['1.2.3.4, 1.2.3.5']),
      'InvalidChangeBatch',
      /ARRDATANotSingleField/
    ],
    [
      'no IPv6 address',
      () => upsert('a.bar.com', ['fe80::1%eth0'], { Type: 'AAAA' }),
      'InvalidChangeBatch',
      /AAAARRDATAIllegalIPv6Address/
    ],
    [
      'a value twice',
      () => upsert('a.bar.com', ['1.2.3.4', '1.2.3.4']),
      'InvalidChangeBatch',
      /Duplicate Resource Record: '1\.2\.3\.4'/
    ],
    [
      'a name of another zone',
      () => upsert('a.foo.com', ['1.2.3.4']),
      'InvalidChangeBatch',
      /a\.foo\.com\. is not permitted in zone bar\.com\./
    ],
    [
      'a TTL past 31 bits',
      () => upsert('a.bar.com', ['1.2.3.4'], { TTL: 2_147_483_648 }),
      'InvalidInput',
      /maxInclusive '2147483647' for type 'TTL'/
    ],
    [
      'a negative TTL',
      () => upsert('a.bar.com', ['1.2.3.4'], { TTL: -1 }),
      'InvalidInput',
      /minInclusive '0' for type 'TTL'/
    ],
    [
      'values without a TTL',
      () => upsert('a.bar.com', ['1.2.3.4'], { TTL: undefined }),
      'InvalidInput',
      /Missing field 'TTL'/
    ],
    ['an empty set', () => upsert('a.bar.com', []), 'InvalidInput', /Expected exactly one of \[AliasTarget/],
    [
      'a CNAME at the apex',
      () => upsert('bar.com', ['x.example.'], { Type: 'CNAME' }),
      'InvalidChangeBatch',
      /not permitted at apex/
    ],
    [
      'more than 1000 records, where an UPSERT counts twice',
      () =>
        change(
          ...['a', 'b'].map((label): Change => ({
            Action: 'UPSERT',
            ResourceRecordSet: set(`${label}.bar.com`, addresses(251))
          }))
        ),
      'InvalidChangeBatch',
      /Number of records limit of 1000 exceeded/
    ],
    [
      'the same set twice',
      () =>
        change(
          { Action: 'UPSERT', ResourceRecordSet: set('a.bar.com', ['1.2.3.4']) },
          { Action: 'UPSERT', ResourceRecordSet: set('A.bar.com.', ['1.2.3.5']) }
        ),
      'InvalidChangeBatch',
      /invalid set of changes for a resource record set 'A a\.bar\.com\.'/
    ]
  ]

  it.each(refusals)('%s', async (_, attempt, name, message) => {
    await expect(attempt()).rejects.toMatchObject({ name, message: expect.stringMatching(message) as string })
    expect(zone.sets).toHaveLength(2)
  })

  it('CREATE of what exists', async () => {
    zone.put('a.bar.com', 'A', ['1.2.3.4'])

    await expect(change({ Action: 'CREATE', ResourceRecordSet: set('a.bar.com', ['1.2.3.5']) })).rejects.toThrow(
      "[Tried to create resource record set [name='a.bar.com.', type='A'] but it already exists]"
    )
  })

  it('DELETE of what is not there, or is something else', async () => {
    const attempt = () => change({ Action: 'DELETE', ResourceRecordSet: set('*.bar.com', ['1.2.3.4']) })
    await expect(attempt()).rejects.toThrow("[name='\\052.bar.com.', type='A'] but it was not found")

    zone.put('*.bar.com', 'A', ['1.2.3.5'])

    await expect(attempt()).rejects.toThrow('but the values provided do not match the current values')
  })

  it('an A record beside a CNAME, unless the same batch deletes that first', async () => {
    zone.put('a.bar.com', 'CNAME', ['x.example.'])
    const cname = set('a.bar.com', ['x.example.'], { Type: 'CNAME' })
    await expect(upsert('a.bar.com', ['1.2.3.4'])).rejects.toThrow(
      'RRSet of type A with DNS name a.bar.com. is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists in zone bar.com'
    )
    const create: Change = { Action: 'CREATE', ResourceRecordSet: set('a.bar.com', ['1.2.3.4']) }
    await expect(change(create, { Action: 'DELETE', ResourceRecordSet: cname })).rejects.toThrow('conflicting RRSet')

    await change({ Action: 'DELETE', ResourceRecordSet: cname }, create)

    expect(zone.valuesOf('a.bar.com', 'A')).toEqual(['1.2.3.4'])
  })

  it('a plain record beside a weighted one, and the other way round', async () => {
    zone.put('a.bar.com', 'A', ['1.2.3.4'], { identifier: 'blue', extra: { Weight: '1' } })
    zone.put('b.bar.com', 'A', ['1.2.3.4'])

    await expect(upsert('a.bar.com', ['1.2.3.4'])).rejects.toThrow('cannot be created as other RRSets exist')
    await expect(upsert('b.bar.com', ['1.2.3.4'], { SetIdentifier: 'x', Weight: 1 })).rejects.toThrow(
      'non-weighted RRSet'
    )
  })

  it('a signature that is missing or wrong', async () => {
    const bare = await fetch(`${double.env.AWS_ENDPOINT_URL_ROUTE_53}/2013-04-01/hostedzone`)
    expect(bare.status).toBe(403)
    expect(await bare.text()).toContain('<Code>MissingAuthenticationToken</Code>')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong')

    await expect(new Route53Client({ maxAttempts: 1 }).send(new ListHostedZonesCommand())).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch'
    })
  })

  it('a change, a zone and a marker that nobody knows', async () => {
    await expect(client.send(new GetChangeCommand({ Id: 'CNONE' }))).rejects.toMatchObject({ name: 'NoSuchChange' })
    await expect(client.send(new ListResourceRecordSetsCommand({ HostedZoneId: 'ZNONE' }))).rejects.toMatchObject({
      name: 'NoSuchHostedZone'
    })
    await expect(client.send(new ListHostedZonesCommand({ Marker: 'ZNONE' }))).rejects.toMatchObject({
      name: 'InvalidInput'
    })
  })
})

describe('the double answers as Route53 does', () => {
  it('with record sets ordered by their labels from the right, page by page', async () => {
    for (const name of ['b.bar.com', 'a.b.bar.com', '*.bar.com', 'a.bar.com']) zone.put(name, 'A', ['1.2.3.4'])
    double.pageSize = 4

    const page = await client.send(new ListResourceRecordSetsCommand({ HostedZoneId: 'Z1' }))

    expect(page.ResourceRecordSets?.map(({ Name, Type }) => `${Name} ${Type}`)).toEqual([
      'bar.com. NS',
      'bar.com. SOA',
      '\\052.bar.com. A',
      'a.bar.com. A'
    ])
    expect(page).toMatchObject({ IsTruncated: true, NextRecordName: 'b.bar.com.', NextRecordType: 'A' })
  })
})

function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `10.0.${index >> 8}.${index & 255}`)
}
