import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { shownRecord, startDnsProxy, startDnsSlave } from '../support/dns/start-dns-proxy.ts'
import { type Moto, startMoto } from '../support/dns/start-moto.ts'
import { tempDir } from '../support/temp-dir.ts'

const FIRST = '203.0.113.1'
/** For pods that say once that they are there. */
const patient = { KONTROL_TTL: '600' }
let moto: Moto

beforeAll(async () => {
  moto = await startMoto(inject('debian'))
})
afterAll(() => moto[Symbol.asyncDispose]())

async function valuesAt(zone: string, name: string, type: string): Promise<string[] | undefined> {
  const set = (await moto.at(zone, name)).find(({ Type }) => Type === type)
  return set?.ResourceRecords?.map(({ Value = '' }) => Value).sort()
}

const isInLine = ({ found, lastError }: { found?: string[]; lastError?: unknown }): boolean =>
  found?.length === 1 && lastError === undefined

describe('in a Route53 that others wrote', () => {
  it('each name is in the longest public zone, with the apex, a wildcard and both types', async () => {
    const outer = await moto.addZone('nested.example')
    const middle = await moto.addZone('a.nested.example')
    const inner = await moto.addZone('b.a.nested.example')
    const twin = await moto.addZone('b.a.nested.example', { isPrivate: true })
    const names = ['nested.example', 'x.nested.example', '*.a.nested.example', 'y.b.a.nested.example']
    await using proxy = await startDnsProxy({ '': names.join() }, { ...moto.env, ...patient })
    await shownRecord(proxy, 'y.b.a.nested.example', isInLine)

    await proxy.ping('127.0.0.9', { app: 'haproxy', payload: { eip: '2001:db8::9' } })
    await shownRecord(proxy, 'y.b.a.nested.example', isInLine, 'AAAA')

    for (const [zone, name] of [
      [outer, 'nested.example'],
      [outer, 'x.nested.example'],
      [middle, '*.a.nested.example'],
      [inner, 'y.b.a.nested.example']
    ] as const) {
      expect(await valuesAt(zone, name, 'A')).toEqual([FIRST])
      expect(await valuesAt(zone, name, 'AAAA')).toEqual(['2001:db8::9'])
    }
    expect(await moto.at(twin, 'y.b.a.nested.example')).toEqual([])
    expect((await moto.at(outer, 'nested.example')).map(({ Type }) => Type)).toEqual(
      expect.arrayContaining(['NS', 'SOA'])
    )
  })

  it('a private zone is written to when it is named, and its public twin is not', async () => {
    const open = await moto.addZone('twin.example')
    const hidden = await moto.addZone('twin.example', { isPrivate: true })
    await using proxy = await startDnsProxy({ '': 'www.twin.example', zone: hidden }, moto.env)

    await shownRecord(proxy, 'www.twin.example', isInLine)

    expect(await valuesAt(hidden, 'www.twin.example', 'A')).toEqual([FIRST])
    expect(await moto.at(open, 'www.twin.example')).toEqual([])
  })

  it('a proxy that leaves and one that is killed are out of the record, and the last one stays', async () => {
    const zone = await moto.addZone('fleet.example')
    const name = 'www.fleet.example'
    await using dir = await tempDir()
    await using proxy = await startDnsProxy({ '': name }, moto.env)
    const holds = (...addresses: string[]): Promise<unknown> =>
      eventually(async () => (await valuesAt(zone, name, 'A'))?.join() === addresses.join(), 20_000)
    await holds(FIRST)

    await using leaving = await startDnsSlave(dir, proxy, '127.0.0.2', '203.0.113.2')
    await using killed = await startDnsSlave(dir, proxy, '127.0.0.3', '203.0.113.3')
    await holds(FIRST, '203.0.113.2', '203.0.113.3')
    await leaving.kill('SIGTERM')
    await holds(FIRST, '203.0.113.3')
    await killed.kill('SIGKILL')
    await holds(FIRST)
    await proxy.kill('SIGKILL')

    expect(await valuesAt(zone, name, 'A')).toEqual([FIRST])
  })

  it('of 401 proxies 400 are in the record, and it is told', async () => {
    const zone = await moto.addZone('many.example')
    await using proxy = await startDnsProxy({ '': 'www.many.example' }, { ...moto.env, ...patient })
    await shownRecord(proxy, 'www.many.example', isInLine)

    for (let one = 0; one < 400; one++) {
      const address = `10.1.${one >> 8}.${one & 255}`
      await proxy.ping(address, { app: 'haproxy', id: `p${one}`, payload: { eip: address } })
    }

    // 400 are in it before the last one comes as well, and nothing is to be told then.
    const full = await shownRecord(proxy, 'www.many.example', ({ note }) => note !== undefined)
    expect(full.note).toBe('only 400 of 401 addresses: Route53 takes no more in one record set')
    expect(full.found).toHaveLength(400)
    expect(await valuesAt(zone, 'www.many.example', 'A')).toHaveLength(400)
  })

  it('a CNAME and a weighted set are left alone and told, and replaced when the annotation says so', async () => {
    const zone = await moto.addZone('taken.example')
    const [cname, weighted] = ['cname.taken.example', 'weighted.taken.example']
    const address = { ResourceRecords: [{ Value: '192.0.2.66' }], TTL: 60 }
    await moto.put(
      zone,
      { Name: `${cname}.`, Type: 'CNAME', TTL: 60, ResourceRecords: [{ Value: 'elsewhere.example.' }] },
      { Name: `${weighted}.`, Type: 'A', SetIdentifier: 'blue', Weight: 10, ...address }
    )
    const names = `${cname},${weighted},free.taken.example`
    {
      await using careful = await startDnsProxy({ '': names }, moto.env)
      for (const name of [cname, weighted]) {
        const { lastError } = await shownRecord(careful, name, (record) => record.lastError !== undefined)
        expect(lastError?.code).toBe('KTL_DNS_CONFLICT')
      }
      await shownRecord(careful, 'free.taken.example', isInLine)
      expect(await valuesAt(zone, cname, 'CNAME')).toEqual(['elsewhere.example.'])
      expect(await valuesAt(zone, weighted, 'A')).toEqual(['192.0.2.66'])
    }
    await using bold = await startDnsProxy({ '': names, overwrite: 'true' }, moto.env)
    for (const name of [cname, weighted]) {
      await shownRecord(bold, name, isInLine)
      expect(await valuesAt(zone, name, 'A')).toEqual([FIRST])
      expect(await moto.at(zone, name)).toHaveLength(1)
    }
  })

  it("what external-dns owns is left alone, with its mark at the name and with newer ones beside it, until it's gone", async () => {
    const zone = await moto.addZone('owned.example')
    const mark = {
      Type: 'TXT' as const,
      TTL: 300,
      ResourceRecords: [
        { Value: '"heritage=external-dns,external-dns/owner=shop,external-dns/resource=ingress/shop/web"' }
      ]
    }
    const theirs = { Type: 'A' as const, TTL: 300, ResourceRecords: [{ Value: '192.0.2.66' }] }
    const [older, newer] = ['older.owned.example', 'newer.owned.example']
    const newerMark = { Name: `a-${newer}.`, ...mark }
    await moto.put(
      zone,
      { Name: `${older}.`, ...theirs },
      { Name: `${older}.`, ...mark },
      { Name: `${newer}.`, ...theirs },
      newerMark
    )
    await using proxy = await startDnsProxy({ '': `${older},${newer}`, overwrite: 'true' }, moto.env)

    for (const [name, at] of [
      [older, older],
      [newer, `a-${newer}`]
    ] as const) {
      const { lastError } = await shownRecord(proxy, name, (record) => record.lastError !== undefined)
      expect(lastError).toMatchObject({
        code: 'KTL_DNS_CONFLICT',
        message: `${name}: the TXT record at ${at} says that "shop" owns the name for ingress/shop/web`
      })
      expect(await valuesAt(zone, name, 'A')).toEqual(['192.0.2.66'])
    }

    await moto.remove(zone, newerMark)
    await proxy.send('POST', '/api/v1/lifecycle/transitions', '{"state":"expose-via-route53"}', {
      'content-type': 'application/json'
    })
    await shownRecord(proxy, newer, isInLine)
    expect(await valuesAt(zone, newer, 'A')).toEqual([FIRST])
  })

  it('ours is marked when the annotation asks for it, beside other texts, and known again by its owner alone', async () => {
    const zone = await moto.addZone('marked.example')
    const name = 'marked.example'
    const ours = '"heritage=external-dns,external-dns/owner=east,external-dns/resource=kontrol-haproxy"'
    const policy = '"v=spf1 -all"'
    await moto.put(zone, { Name: `${name}.`, Type: 'TXT', TTL: 900, ResourceRecords: [{ Value: policy }] })
    {
      await using east = await startDnsProxy({ '': name, owner: 'east' }, moto.env)
      await shownRecord(east, name, isInLine)
    }
    expect(await valuesAt(zone, name, 'TXT')).toEqual([ours, policy])
    {
      await using west = await startDnsProxy({ '': name, owner: 'west' }, { ...moto.env, KONTROL_EIP: '203.0.113.77' })
      const { lastError } = await shownRecord(west, name, (record) => record.lastError !== undefined)
      expect(lastError?.message).toContain('says that "east" owns the name')
    }
    expect(await valuesAt(zone, name, 'A')).toEqual([FIRST])
    {
      await using again = await startDnsProxy({ '': name, owner: 'east' }, { ...moto.env, KONTROL_EIP: '203.0.113.8' })
      await shownRecord(again, name, ({ found }) => found?.join() === '203.0.113.8')
    }
    expect(await valuesAt(zone, name, 'A')).toEqual(['203.0.113.8'])
    expect(await valuesAt(zone, name, 'TXT')).toEqual([ours, policy])
  })

  it('a name that the zone delegates is told and not written, until the delegation is gone', async () => {
    const zone = await moto.addZone('parent.example')
    const name = 'www.child.parent.example'
    const delegation = {
      Name: 'child.parent.example.',
      Type: 'NS' as const,
      TTL: 300,
      ResourceRecords: [{ Value: 'ns.elsewhere.example.' }]
    }
    await moto.put(zone, delegation)
    await using proxy = await startDnsProxy({ '': name }, moto.env)

    const { lastError } = await shownRecord(proxy, name, (record) => record.lastError !== undefined)
    expect(lastError?.code).toBe('KTL_DNS_NO_ZONE')
    expect(lastError?.message).toContain('delegates child.parent.example to ns.elsewhere.example.')
    expect(await moto.at(zone, name)).toEqual([])

    await moto.remove(zone, delegation)
    await proxy.send('POST', '/api/v1/lifecycle/transitions', '{"state":"expose-via-route53"}', {
      'content-type': 'application/json'
    })
    await shownRecord(proxy, name, isInLine)
    expect(await valuesAt(zone, name, 'A')).toEqual([FIRST])
  })
})
