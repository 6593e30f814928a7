import { describe, expect, it } from 'vitest'
import { createRoute53Provider } from '../../../src/dns/route53.ts'
import { startDns } from '../../support/dns/dns-fixture.ts'
import { eventually } from '../../support/eventually.ts'
import { priorRequestNotComplete, throttling, type Trouble } from '../../support/dns/route53-double.ts'

const never = new AbortController().signal
const FIVE_MINUTES = 5 * 60_000

describe('failures that pass', () => {
  const troubles: [string, () => Trouble][] = [
    ['throttling', throttling],
    ['a prior request that is not complete', priorRequestNotComplete],
    ['a connection that is cut', () => 'reset']
  ]

  it.each(troubles)('are tried again with growing pauses: %s', async (_, trouble) => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.double.trouble('ChangeResourceRecordSets', trouble(), trouble(), trouble())
    dns.exposer.start()
    dns.exposer.want(['192.0.2.1'])

    // With random() at 0.5 the pauses are three quarters of 1, 2 and 4 seconds.
    for (const [attempt, pauseMs] of [750, 1_500, 3_000].entries()) {
      await eventually(() => dns.events.filter(({ kind }) => kind === 'failed').length === attempt + 1)
      expect(dns.record('foo.bar.com')?.lastError).toMatchObject({ code: 'KTL_DNS_UNAVAILABLE' })
      dns.clock.advance(pauseMs - 1)
      expect(dns.double.count('ChangeResourceRecordSets')).toBe(attempt + 1)
      dns.clock.advance(1)
    }

    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.join() === '192.0.2.1')
    await eventually(() => dns.record('foo.bar.com')?.lastError === undefined)
    expect(dns.events.map(({ kind }) => kind)).toEqual(['failed', 'failed', 'failed', 'changed'])
  })

  it('that concern every name are met once and not by each', async () => {
    await using dns = await startDns({ '': 'a.bar.com,b.bar.com,c.bar.com' })
    dns.double.addZone('Z1', 'bar.com')
    dns.double.trouble('ListHostedZones', throttling())

    await expect(dns.exposer.expose(['192.0.2.1'], never)).rejects.toMatchObject({
      message: expect.stringMatching(/a\.bar\.com: .*; b\.bar\.com: .*; c\.bar\.com: .*Rate exceeded/) as string
    })
    expect(dns.double.calls).toHaveLength(1)
  })

  it('look again when somebody else was faster', async () => {
    await using dns = await startDns({ '': 'foo.bar.com', overwrite: 'true' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    zone.put('foo.bar.com', 'CNAME', ['elsewhere.example.'])
    dns.exposer.start()
    dns.double.onCall('ChangeResourceRecordSets', () => zone.put('foo.bar.com', 'CNAME', ['moved.example.']))
    dns.exposer.want(['192.0.2.1'])
    await eventually(() => dns.record('foo.bar.com')?.lastError)
    expect(dns.record('foo.bar.com')?.lastError).toMatchObject({ code: 'KTL_DNS_RACE' })

    dns.clock.advance(1_000)

    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.join() === '192.0.2.1')
    expect(zone.valuesOf('foo.bar.com', 'CNAME')).toBeUndefined()
  })

  it('include a zone that was deleted and made anew', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    dns.double.addZone('ZOLD', 'bar.com')
    await dns.exposer.expose(['192.0.2.1'], never)
    dns.double.removeZone('ZOLD')
    const zone = dns.double.addZone('ZNEW', 'bar.com')
    await expect(dns.exposer.expose(['192.0.2.2'], never)).rejects.toMatchObject({ code: 'KTL_DNS_NO_ZONE' })

    await dns.exposer.expose(['192.0.2.2'], never)

    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.2'])
  })

  it('do not keep the stage from stopping, nor a step from being given up', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    dns.double.trouble('ListHostedZones', 'hang')
    const leaving = new AbortController()
    const step = dns.exposer.expose(['192.0.2.1'], leaving.signal)
    await eventually(() => dns.double.count('ListHostedZones') === 1)

    leaving.abort()

    await expect(step).rejects.toMatchObject({
      code: 'KTL_DNS_UNAVAILABLE',
      message: expect.stringMatching(/^foo\.bar\.com: not yet in line/) as string
    })
    await dns.exposer.stop()
    expect(dns.events).toEqual([])
  })

  it('of a listener are told, and harm nobody', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    const unsubscribe = dns.exposer.subscribe(() => {
      throw new Error('no')
    })
    await dns.exposer.expose(['192.0.2.1'], never)
    expect(dns.lines).toContainEqual(expect.objectContaining({ msg: 'listener failed', topic: 'dns' }))

    unsubscribe()
    await dns.exposer.expose(['192.0.2.2'], never)

    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.2'])
    expect(dns.lines.filter(({ msg }) => msg === 'listener failed')).toHaveLength(1)
  })

  it('of the provider itself are tried again', async () => {
    let attempts = 0
    await using dns = await startDns(
      { '': 'foo.bar.com' },
      {
        providerFactory: async () => {
          if (attempts++ === 0) throw new Error('half installed')
          return createRoute53Provider({ attempts: 1 })
        }
      }
    )
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.exposer.start()
    dns.exposer.want(['192.0.2.1'])
    await eventually(() => dns.record('foo.bar.com')?.lastError)
    expect(dns.record('foo.bar.com')?.lastError).toMatchObject({
      code: 'KTL_DNS_UNAVAILABLE',
      message: 'foo.bar.com: cannot set up the DNS provider: half installed'
    })

    dns.clock.advance(1_000)

    await eventually(() => zone.valuesOf('foo.bar.com', 'A'))
  })

  it('do not hold up a newer wish', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.double.trouble('ListResourceRecordSets', throttling())
    dns.exposer.start()
    dns.exposer.want(['192.0.2.1'])
    await eventually(() => dns.record('foo.bar.com')?.lastError)

    dns.exposer.want(['192.0.2.2'])

    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.join() === '192.0.2.2')
  })
})

describe('failures that need a person', () => {
  it('name the domain and what to do, and are tried again at the slow interval', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.double.deny('ChangeResourceRecordSets')
    dns.exposer.start()
    dns.exposer.want(['192.0.2.1'])
    await eventually(() => dns.record('foo.bar.com')?.lastError)

    const error = dns.record('foo.bar.com')?.lastError
    expect(error?.code).toBe('KTL_DNS_DENIED')
    expect(error?.message).toMatch(/^foo\.bar\.com: ChangeResourceRecordSets: AccessDenied: User: arn:aws:sts/)
    expect(error?.hint).toMatch(/route53:ChangeResourceRecordSets/)
    expect(dns.lines).toContainEqual(
      expect.objectContaining({ level: 50, code: 'KTL_DNS_DENIED', name: 'foo.bar.com' })
    )
    dns.clock.advance(FIVE_MINUTES - 1)
    expect(dns.double.count('ChangeResourceRecordSets')).toBe(1)

    dns.double.allow('ChangeResourceRecordSets')
    dns.clock.advance(1)

    await eventually(() => zone.valuesOf('foo.bar.com', 'A'))
  })

  it('do not touch what was submitted: without the right to ask, a change stays PENDING', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.double.deny('GetChange')
    await dns.exposer.expose(['192.0.2.1'], never)

    dns.clock.advance(5_000)

    await eventually(() => dns.lines.some(({ msg }) => msg === 'dns change is no longer followed'))
    dns.clock.advance(60_000)
    expect(dns.double.count('GetChange')).toBe(1)
    expect(dns.record('foo.bar.com')?.changeStatus).toBe('PENDING')
    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.1'])
  })

  it('reject the step', async () => {
    await using dns = await startDns({ '': 'foo.bar.com,foo.example.org' })
    const zone = dns.double.addZone('Z1', 'bar.com')

    await expect(dns.exposer.expose(['192.0.2.1'], never)).rejects.toMatchObject({
      code: 'KTL_DNS_NO_ZONE',
      message: 'foo.example.org: no public hosted zone of this account holds the name'
    })
    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.1'])
  })

  it('include missing credentials, which concern every name and cost one attempt', async () => {
    await using dns = await startDns({ '': 'foo.bar.com,baz.bar.com' })
    dns.double.addZone('Z1', 'bar.com')
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete process.env[name]

    await expect(dns.exposer.expose(['192.0.2.1'], never)).rejects.toMatchObject({
      code: 'KTL_DNS_NO_CREDENTIALS',
      message: expect.stringMatching(
        /^foo\.bar\.com: ListHostedZones: CredentialsProviderError.*; baz\.bar\.com: /
      ) as string,
      hint: expect.stringMatching(/service account/) as string
    })
    expect(dns.double.calls).toEqual([])
  })

  it.each(['ListHostedZones', 'ListResourceRecordSets'] as const)(
    'include a role that may not %s',
    async (operation) => {
      await using dns = await startDns({ '': 'foo.bar.com' })
      dns.double.addZone('Z1', 'bar.com')
      dns.double.deny(operation)

      await expect(dns.exposer.expose(['192.0.2.1'], never)).rejects.toMatchObject({
        code: 'KTL_DNS_DENIED',
        message: expect.stringMatching(new RegExp(`^foo\\.bar\\.com: ${operation}: AccessDenied`)) as string,
        hint: expect.stringContaining(`route53:${operation}`) as string
      })
    }
  )

  it('include a wrong secret', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    process.env.AWS_SECRET_ACCESS_KEY = 'wrong'

    await expect(dns.exposer.expose(['192.0.2.1'], never)).rejects.toMatchObject({ code: 'KTL_DNS_DENIED' })
  })

  it('let the good names of a batch through that Route53 refuses for a bad one', async () => {
    await using dns = await startDns({ '': 'bad.bar.com,good.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.double.onCall('ChangeResourceRecordSets', () => zone.put('bad.bar.com', 'CNAME', ['late.example.']))

    await expect(dns.exposer.expose(['192.0.2.1'], never)).rejects.toMatchObject({
      code: 'KTL_DNS_REFUSED',
      message: expect.stringMatching(/^bad\.bar\.com: .*conflicting RRSet of type CNAME/) as string
    })
    expect(zone.valuesOf('good.bar.com', 'A')).toEqual(['192.0.2.1'])
  })
})

describe('what stands in the way', () => {
  const obstacles = [
    ['a CNAME', 'a CNAME to elsewhere.example.', 'CNAME', ['elsewhere.example.'], {}],
    [
      'an alias',
      'an alias to lb.example of type A',
      'A',
      [],
      { extra: { AliasTarget: { HostedZoneId: 'Z2', DNSName: 'lb.example.', EvaluateTargetHealth: 'false' } } }
    ],
    [
      'a weighted set',
      'a weighted record set "blue" of type A',
      'A',
      ['192.0.2.9'],
      { identifier: 'blue', extra: { Weight: '10' } }
    ],
    [
      'a latency set',
      'a latency record set "eu" of type A',
      'A',
      ['192.0.2.9'],
      { identifier: 'eu', extra: { Region: 'eu-west-1' } }
    ]
  ] as const

  it.each(obstacles)('is left alone: %s', async (_, words, type, values, more) => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    zone.put('foo.bar.com', type, [...values], more)

    await expect(dns.exposer.expose(['192.0.2.1'], never)).rejects.toMatchObject({
      code: 'KTL_DNS_CONFLICT',
      message: `foo.bar.com: ${words} stands there already`,
      hint: expect.stringContaining('haproxy.unity3d.com/route53-overwrite') as string
    })
    expect(dns.double.count('ChangeResourceRecordSets')).toBe(0)
  })

  it.each(obstacles)('is replaced in one batch when the annotation says so: %s', async (_, __, type, values, more) => {
    await using dns = await startDns({ '': 'foo.bar.com', overwrite: 'true' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    zone.put('foo.bar.com', type, [...values], more)

    await dns.exposer.expose(['192.0.2.1'], never)

    const batches = dns.double.calls.flatMap(({ changes }) => (changes === undefined ? [] : [changes]))
    expect(batches.map((changes) => changes.map(({ action }) => action))).toEqual([['DELETE', 'CREATE']])
    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.1'])
  })
})
