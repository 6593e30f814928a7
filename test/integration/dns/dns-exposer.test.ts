import { describe, expect, it } from 'vitest'
import { parseExposeInput } from '../../../src/dns/records/addresses.ts'
import { annotate, startDns } from '../../support/dns/dns-fixture.ts'
import { eventually } from '../../support/eventually.ts'

const never = new AbortController().signal
const FIVE_MINUTES = 5 * 60_000

describe('the record follows the proxies', () => {
  it('appears with one address per live proxy, in one change batch', async () => {
    await using dns = await startDns({ '': 'foo.bar.com,baz.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')

    const result = await dns.exposer.expose(['198.51.100.7', '192.0.2.1', '192.0.2.1'], never)

    expect(result.outcome).toBe('submitted')
    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.1', '198.51.100.7'])
    expect(zone.valuesOf('baz.bar.com', 'A')).toEqual(['192.0.2.1', '198.51.100.7'])
    expect(dns.double.count('ChangeResourceRecordSets')).toBe(1)
    expect(dns.double.count('ListHostedZones')).toBe(1)
  })

  it('loses a proxy that left and keeps the last one for ever', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.exposer.start()
    dns.exposer.want(['192.0.2.1', '192.0.2.2'])
    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.length === 2)

    dns.exposer.want(['192.0.2.2'])
    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.join() === '192.0.2.2')
    const calls = dns.double.calls.length
    dns.exposer.want([])

    expect(dns.exposer.status().note).toMatch(/no live proxy has an external address/)
    expect(dns.events.at(-1)).toEqual({ kind: 'kept' })
    expect((await dns.exposer.expose([], never)).outcome).toBe('kept')
    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.2'])
    expect(dns.double.calls).toHaveLength(calls)
  })

  it('gets no address outside of the networks that the operator allows, and names what is left out', async () => {
    await using dns = await startDns({ '': 'foo.bar.com', networks: '192.0.2.0/24,2001:db8::/32' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.exposer.start()
    dns.exposer.want(['192.0.2.1', '6.6.6.6', '2001:db8::1', '2001:db9::1', '10.0.0.1'])
    await eventually(() => zone.valuesOf('foo.bar.com', 'AAAA')?.join() === '2001:db8::1')

    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.1'])
    expect(dns.exposer.status()).toMatchObject({
      refused: ['6.6.6.6', '2001:db9::1', '10.0.0.1'],
      note: 'left out by route53-networks: 6.6.6.6, 2001:db9::1, 10.0.0.1'
    })
    expect(dns.lines).toContainEqual(
      expect.objectContaining({
        level: 40,
        addresses: ['6.6.6.6', '2001:db9::1', '10.0.0.1'],
        networks: ['192.0.2.0/24', '2001:db8::/32']
      })
    )
    // All that is left is none of them: the record stays as it was.
    dns.exposer.want(['6.6.6.6'])
    expect(dns.exposer.status().note).toMatch(/^no live proxy has an external address.*; left out by .*: 6\.6\.6\.6$/)
    expect((await dns.exposer.expose(['6.6.6.6'], never)).outcome).toBe('kept')
    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.1'])
  })

  it('takes an address in and out as the annotation allows it', async () => {
    await using dns = await startDns({ '': 'foo.bar.com', networks: '192.0.2.0/24' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.exposer.start()
    dns.exposer.want(['192.0.2.1', '198.51.100.7'])
    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.join() === '192.0.2.1')

    dns.exposer.configure(annotate({ '': 'foo.bar.com' }))
    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.join() === '192.0.2.1,198.51.100.7')
    expect(dns.exposer.status().refused).toEqual([])

    dns.exposer.configure(annotate({ '': 'foo.bar.com', networks: '198.51.100.7' }))
    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.join() === '198.51.100.7')
  })

  it('makes no call at all while 100 changes of the backends leave the proxies alone', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.exposer.start()
    dns.exposer.want(['192.0.2.1', '192.0.2.2'])
    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.length === 2 && dns.record('foo.bar.com')?.changeId)
    const calls = dns.double.calls.length

    for (let change = 0; change < 100; change++) {
      dns.exposer.want(change % 2 === 0 ? ['192.0.2.2', '192.0.2.1'] : ['192.0.2.1', '192.0.2.2', '192.0.2.1'])
      expect((await dns.exposer.expose(['192.0.2.1', '192.0.2.2'], never)).outcome).toBe('unchanged')
    }

    expect(dns.double.calls).toHaveLength(calls)
  })

  it('looks anew when somebody asks, and writes what was deleted by hand', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.exposer.start()
    dns.exposer.want(['192.0.2.1'])
    await eventually(() => zone.valuesOf('foo.bar.com', 'A') && dns.record('foo.bar.com')?.changeId)
    zone.remove('foo.bar.com', 'A')

    expect((await dns.exposer.expose(['192.0.2.1'], never)).outcome).toBe('unchanged')
    expect(zone.valuesOf('foo.bar.com', 'A')).toBeUndefined()
    expect((await dns.exposer.expose(['192.0.2.1'], never, { anew: true })).outcome).toBe('submitted')
    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.1'])
  })

  it('writes nothing when the record is right already, whatever the order, spelling and case', async () => {
    await using dns = await startDns({ '': 'FOO.Bar.com.' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    zone.put('foo.bar.com', 'A', ['198.51.100.7', '192.0.2.1'])
    zone.put('foo.bar.com', 'AAAA', ['2001:0DB8:0:0::1'])

    const result = await dns.exposer.expose(['192.0.2.1', '198.51.100.7', '2001:db8::1'], never)

    expect(result.outcome).toBe('unchanged')
    expect(dns.double.count('ChangeResourceRecordSets')).toBe(0)
    expect(dns.record('foo.bar.com')).toMatchObject({ found: ['192.0.2.1', '198.51.100.7'], zone: 'Z1' })
  })

  it('writes when only the TTL differs', async () => {
    await using dns = await startDns({ '': 'foo.bar.com', ttl: '30' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    zone.put('foo.bar.com', 'A', ['192.0.2.1'])

    await dns.exposer.expose(['192.0.2.1'], never)

    expect(zone.sets.find(({ type }) => type === 'A')?.ttl).toBe(30)
  })

  it('puts IPv6 addresses into an AAAA record, and takes its own out again', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    await dns.exposer.expose(['192.0.2.1', '2001:DB8::1'], never)
    expect(zone.valuesOf('foo.bar.com', 'AAAA')).toEqual(['2001:db8::1'])

    await dns.exposer.expose(['192.0.2.1'], never)

    expect(zone.valuesOf('foo.bar.com', 'AAAA')).toBeUndefined()
    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.1'])
  })

  it('leaves an AAAA record alone that it did not write, and says so', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    zone.put('foo.bar.com', 'AAAA', ['2001:db8::99'])

    await dns.exposer.expose(['192.0.2.1'], never)

    expect(zone.valuesOf('foo.bar.com', 'AAAA')).toEqual(['2001:db8::99'])
    expect(dns.record('foo.bar.com', 'AAAA')?.note).toMatch(/kept/)
  })

  it('shows each change as PENDING until all name servers have it', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    dns.double.addZone('Z1', 'bar.com')
    await dns.exposer.expose(['192.0.2.1'], never)
    expect(dns.record('foo.bar.com')).toMatchObject({ changeStatus: 'PENDING', changeId: 'C0000000000001' })

    dns.clock.advance(5_000)
    await eventually(() => dns.double.count('GetChange') === 1)
    dns.double.settle()
    await eventually(() => {
      dns.clock.advance(5_000)
      return dns.record('foo.bar.com')?.changeStatus === 'INSYNC'
    })

    expect(dns.events.map(({ kind }) => kind)).toEqual(['changed', 'insync'])
    expect(dns.lines.map(({ msg }) => msg)).toEqual(['dns record changed', 'dns record is on all name servers'])
  })

  it('asks about no change that all name servers have at once', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    dns.double.addZone('Z1', 'bar.com')
    dns.double.firstStatus = 'INSYNC'
    await dns.exposer.expose(['192.0.2.1'], never)

    dns.clock.advance(60_000)
    await dns.exposer.expose(['192.0.2.1'], never)

    expect(dns.record('foo.bar.com')?.changeStatus).toBe('INSYNC')
    expect(dns.double.count('GetChange')).toBe(0)
  })

  it('finds at the slow interval what somebody else changed, and corrects it', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.exposer.start()
    dns.exposer.want(['192.0.2.1'])
    await eventually(() => dns.record('foo.bar.com')?.changeId !== undefined)
    zone.put('foo.bar.com', 'A', ['203.0.113.66'])
    const changes = dns.double.count('ChangeResourceRecordSets')

    dns.clock.advance(FIVE_MINUTES - 1)
    expect(dns.double.count('ChangeResourceRecordSets')).toBe(changes)
    dns.clock.advance(1)

    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.join() === '192.0.2.1')
    await eventually(() => dns.events.filter(({ kind }) => kind === 'changed').length === 2)
    expect(dns.events).toContainEqual(expect.objectContaining({ kind: 'drifted', from: ['203.0.113.66'] }))
  })

  it('follows a new annotation, and leaves the records of the old one as they are', async () => {
    await using dns = await startDns({ '': 'old.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.exposer.start()
    dns.exposer.want(['192.0.2.1'])
    await eventually(() => zone.valuesOf('old.bar.com', 'A'))

    dns.exposer.configure({ names: ['new.bar.com'], ttl: 60, overwrite: false })

    await eventually(() => zone.valuesOf('new.bar.com', 'A'))
    expect(zone.valuesOf('old.bar.com', 'A')).toEqual(['192.0.2.1'])
    await eventually(
      () =>
        dns.exposer
          .status()
          .records.map(({ name }) => name)
          .join() === 'new.bar.com'
    )
  })

  it('is not touched, nor spoken of, before the first proxy has shown up', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    dns.double.addZone('Z1', 'bar.com').put('foo.bar.com', 'A', ['192.0.2.1'])
    dns.exposer.start()

    dns.exposer.want([])

    expect((await dns.exposer.expose([], never)).outcome).toBe('kept')
    expect(dns.events).toEqual([])
    expect(dns.double.calls).toEqual([])
  })

  it('works for a wildcard, the apex of a zone and an international name, in one batch per zone', async () => {
    await using dns = await startDns({ '': '*.bar.com,bar.com,Bücher.example' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    const other = dns.double.addZone('Z2', 'xn--bcher-kva.example')

    await dns.exposer.expose(['192.0.2.1'], never)

    expect(zone.valuesOf('\\052.bar.com', 'A')).toEqual(['192.0.2.1'])
    expect(zone.valuesOf('bar.com', 'A')).toEqual(['192.0.2.1'])
    expect(other.valuesOf('xn--bcher-kva.example', 'A')).toEqual(['192.0.2.1'])
    expect(dns.double.count('ChangeResourceRecordSets')).toBe(2)
  })

  it('ends at the newest wish when several come while one is under way', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.exposer.start()
    dns.double.onCall('ListHostedZones', () => {
      for (let last = 2; last <= 9; last++) dns.exposer.want([`192.0.2.${last}`])
    })
    dns.exposer.want(['192.0.2.1'])

    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.join() === '192.0.2.9')
    expect(dns.double.count('ChangeResourceRecordSets')).toBe(2)
  })

  it('is told of even when the annotation changes while the change is under way', async () => {
    await using dns = await startDns({ '': 'old.bar.com' })
    dns.double.addZone('Z1', 'bar.com')
    dns.exposer.start()
    dns.double.onCall('ListResourceRecordSets', () =>
      dns.exposer.configure({ names: ['new.bar.com'], ttl: 60, overwrite: false })
    )
    dns.exposer.want(['192.0.2.1'])

    await eventually(() => dns.record('new.bar.com')?.changeId)
    const changed = dns.lines.filter(({ msg }) => msg === 'dns record changed').map(({ name }) => name)
    expect(changed).toEqual(['old.bar.com', 'new.bar.com'])
    expect(dns.record('old.bar.com')).toBeUndefined()
  })

  it('splits a change that is too large for one request, and keeps each name whole', async () => {
    const names = Array.from({ length: 4 }, (_, index) => `n${index}.bar.com`)
    await using dns = await startDns({ '': names.join() })
    const zone = dns.double.addZone('Z1', 'bar.com')
    const addresses = Array.from({ length: 410 }, (_, index) => `10.1.${index >> 8}.${index & 255}`)

    await dns.exposer.expose(addresses, never)

    expect(dns.double.count('ChangeResourceRecordSets')).toBe(4)
    for (const name of names) expect(zone.valuesOf(name, 'A')).toHaveLength(400)
    expect(dns.record('n0.bar.com')?.note).toMatch(/400 of 410/)
  })
})

describe('who writes', () => {
  it('may be a slave that an original master commands: it looks each time, as others write too', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' })
    const zone = dns.double.addZone('Z1', 'bar.com')
    await dns.exposer.expose(parseExposeInput('["192.0.2.1"]'), never)
    zone.put('foo.bar.com', 'A', ['192.0.2.1', '192.0.2.2'])

    const again = await dns.exposer.expose(parseExposeInput('["192.0.2.1"]'), never)

    expect(again.outcome).toBe('submitted')
    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.1'])
    expect((await dns.exposer.expose(parseExposeInput('["192.0.2.1"]'), never)).outcome).toBe('unchanged')
    expect(dns.double.count('ChangeResourceRecordSets')).toBe(2)
    zone.put('foo.bar.com', 'A', ['192.0.2.3'])
    dns.clock.advance(10 * FIVE_MINUTES)
    // Three looks at the name, and one for the mark of somebody else before it.
    expect(dns.double.count('ListResourceRecordSets')).toBe(4)
  })

  it('is the leader alone; a follower makes no call and takes over when told', async () => {
    let leads = false
    await using dns = await startDns({ '': 'foo.bar.com' }, { isLeader: () => leads })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.exposer.start()
    dns.exposer.want(['192.0.2.1'])
    expect((await dns.exposer.expose(['192.0.2.1'], never)).outcome).toBe('follower')
    expect(dns.exposer.status()).toMatchObject({ leader: false, records: [{ wanted: ['192.0.2.1'] }] })
    expect(dns.double.calls).toEqual([])

    leads = true
    dns.exposer.want(['192.0.2.1'])

    await eventually(() => zone.valuesOf('foo.bar.com', 'A'))
    // One look at the name, and one for the mark of somebody else before it.
    expect(dns.double.count('ListResourceRecordSets')).toBe(2)
  })

  it('is nobody any more who loses the leadership between the look and the change', async () => {
    let leads = true
    await using dns = await startDns({ '': 'foo.bar.com' }, { isLeader: () => leads })
    const zone = dns.double.addZone('Z1', 'bar.com')
    dns.exposer.start()
    dns.double.onCall('ListResourceRecordSets', () => (leads = false))
    dns.exposer.want(['192.0.2.1'])
    await eventually(() => dns.events.length > 0)
    expect(dns.events).toMatchObject([{ kind: 'planned' }])
    expect(dns.double.count('ChangeResourceRecordSets')).toBe(0)

    leads = true
    dns.exposer.want(['192.0.2.1'])

    await eventually(() => zone.valuesOf('foo.bar.com', 'A'))
  })

  it('is nobody in a dry run, which tells what it would do', async () => {
    await using dns = await startDns({ '': 'foo.bar.com' }, { dryRun: true })
    const zone = dns.double.addZone('Z1', 'bar.com')
    zone.put('foo.bar.com', 'A', ['192.0.2.9'])

    const result = await dns.exposer.expose(['192.0.2.1'], never)

    expect(result.outcome).toBe('planned')
    expect(dns.events).toEqual([expect.objectContaining({ kind: 'planned', from: ['192.0.2.9'] })])
    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.9'])
    expect((await dns.exposer.expose(['192.0.2.1'], never)).outcome).toBe('planned')
    expect(dns.events).toHaveLength(1)
    zone.put('foo.bar.com', 'A', ['192.0.2.1'])
    expect((await dns.exposer.expose(['192.0.2.1'], never)).outcome).toBe('unchanged')
    expect(dns.double.count('ChangeResourceRecordSets')).toBe(0)
  })

  it('is nobody without the annotation', async () => {
    await using dns = await startDns({})
    dns.exposer.start()
    dns.exposer.want(['192.0.2.1'])

    expect((await dns.exposer.expose(['192.0.2.1'], never)).outcome).toBe('off')
    expect(dns.exposer.status()).toMatchObject({ enabled: false, records: [] })
    expect(dns.double.calls).toEqual([])
  })
})
