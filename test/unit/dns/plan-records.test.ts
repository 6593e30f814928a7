import { describe, expect, it } from 'vitest'
import { groupAddresses } from '../../../src/dns/records/addresses.ts'
import { planName, type PlanInput } from '../../../src/dns/records/plan-records.ts'
import type { RecordSet } from '../../../src/dns/records/record-set.ts'

const name = 'foo.bar.com'
const found = (type: string, values: string[], more: Partial<RecordSet> = {}): RecordSet => ({
  name,
  type,
  ttl: 60,
  values,
  ...more
})
const plan = (addresses: string[], more: Partial<PlanInput> = {}) =>
  planName({
    name,
    ttl: 60,
    wanted: groupAddresses(addresses),
    found: [],
    overwrite: false,
    isOurs: () => false,
    ...more
  })

describe('the plan for a name', () => {
  it('writes both types where nothing stands', () => {
    expect(plan(['192.0.2.1', '2001:db8::1']).changes).toEqual([
      { action: 'UPSERT', set: { name, type: 'A', ttl: 60, values: ['192.0.2.1'] } },
      { action: 'UPSERT', set: { name, type: 'AAAA', ttl: 60, values: ['2001:db8::1'] } }
    ])
  })

  it('is empty when values and TTL are right, in any order', () => {
    expect(plan(['192.0.2.1', '192.0.2.2'], { found: [found('A', ['192.0.2.2', '192.0.2.1'])] }).changes).toEqual([])
  })

  it('is an update when a value, a number of values or the TTL differs', () => {
    for (const current of [
      found('A', ['192.0.2.9']),
      found('A', ['192.0.2.1', '192.0.2.9']),
      found('A', ['192.0.2.1'], { ttl: 61 })
    ]) {
      expect(plan(['192.0.2.1'], { found: [current] }).changes.map(({ action }) => action)).toEqual(['UPSERT'])
    }
  })

  it('keeps what others put there while not all proxies may be known, and takes out what we did', () => {
    const current = found('A', ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
    const isOurs = (address: string) => address === '192.0.2.3'
    const early = { found: [current], isOurs, addOnly: true }

    expect(plan(['192.0.2.2'], early).records).toMatchObject([{ wanted: ['192.0.2.1', '192.0.2.2'] }])
    expect(plan(['192.0.2.1', '192.0.2.2', '192.0.2.3'], early).changes).toEqual([])
    expect(plan(['192.0.2.4'], early).records).toMatchObject([{ wanted: ['192.0.2.1', '192.0.2.2', '192.0.2.4'] }])
  })

  it('keeps the own address and those that stand there when strangers report more than a record set holds', () => {
    const strangers = Array.from({ length: 500 }, (_, index) => `10.0.${index >> 8}.${index & 255}`)
    const standing = ['192.0.2.7', '192.0.2.8']
    const ownAddress = '192.0.2.9'
    const { changes, records } = plan([...strangers, ...standing, ownAddress], {
      found: [found('A', standing)],
      ownAddress
    })

    const [values = []] = changes.map(({ set }) => set.values)
    expect(values).toHaveLength(400)
    expect(values).toEqual(expect.arrayContaining([...standing, ownAddress]))
    expect(records[0]?.note).toMatch(/only 400 of 503 addresses/)
  })

  it('never deletes the last record, not even our own', () => {
    const { changes, records } = plan([], { found: [found('A', ['192.0.2.1'])], isOurs: () => true })

    expect(changes).toEqual([])
    expect(records).toMatchObject([{ type: 'A', wanted: [], changed: false }])
  })

  it('deletes a type without addresses only when each of its values is ours', () => {
    const current = found('AAAA', ['2001:db8::1', '2001:db8::2'])
    const ours = new Set(['2001:db8::1'])
    const input = { found: [current], isOurs: (address: string) => ours.has(address) }
    expect(plan(['192.0.2.1'], input).changes.map(({ action }) => action)).toEqual(['UPSERT'])

    ours.add('2001:db8::2')

    expect(plan(['192.0.2.1'], input).changes).toContainEqual({ action: 'DELETE', set: current })
  })

  it('leaves other types of the name alone', () => {
    expect(
      plan(['192.0.2.1'], { found: [found('TXT', ['"x"']), found('MX', ['1 mx.'])], overwrite: true }).changes
    ).toHaveLength(1)
  })

  it('replaces each set of a routing policy, and a CNAME once for both types', () => {
    const weighted = ['a', 'b'].map((id) => found('A', ['192.0.2.9'], { special: `a weighted record set "${id}"` }))
    expect(plan(['192.0.2.1'], { found: weighted, overwrite: true }).changes.map(({ action }) => action)).toEqual([
      'DELETE',
      'DELETE',
      'CREATE'
    ])

    const cname = [found('CNAME', ['x.example.'])]
    expect(
      plan(['192.0.2.1', '2001:db8::1'], { found: cname, overwrite: true }).changes.map(({ action }) => action)
    ).toEqual(['DELETE', 'CREATE', 'CREATE'])
  })

  it('does not mind an alias of a type that it does not write', () => {
    const alias = found('AAAA', [], { special: 'an alias to lb.example' })

    expect(plan(['192.0.2.1'], { found: [alias] }).changes.map(({ action }) => action)).toEqual(['UPSERT'])
  })

  it('stops at 400 values, and says so', () => {
    const [record] = plan(Array.from({ length: 401 }, (_, index) => `10.0.${index >> 8}.${index & 255}`)).records

    expect(record?.wanted).toHaveLength(400)
    expect(record?.note).toBe('only 400 of 401 addresses: Route53 takes no more in one record set')
  })
})
