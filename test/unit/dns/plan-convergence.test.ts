import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { groupAddresses } from '../../../src/dns/records/addresses.ts'
import { planName, type NamePlan } from '../../../src/dns/records/plan-records.ts'
import type { RecordChange, RecordSet } from '../../../src/dns/records/record-set.ts'
import { findKontrolError } from '../../../src/errors.ts'
import { Route53Zone, type StoredChange, type StoredRecordSet } from '../../support/dns/route53-zone.ts'

const NAME = 'foo.bar.com'
const v4 = fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3')
const v6 = fc.constantFrom('2001:db8::1', '2001:db8::2')
const address = fc.oneof(v4, v6)

/** What may stand at one type of the name: nothing, plain values, an alias, or sets under a routing policy. */
const typeContent = (values: fc.Arbitrary<string>) =>
  fc.oneof(
    fc.constant({ kind: 'nothing' } as const),
    fc.record({
      kind: fc.constant('plain' as const),
      values: fc.uniqueArray(values, { minLength: 1 }),
      ttl: fc.constantFrom(60, 300)
    }),
    fc.constant({ kind: 'alias' } as const),
    fc.record({ kind: fc.constant('weighted' as const), values: fc.uniqueArray(values, { minLength: 1 }) })
  )

const zoneContent = fc.oneof(
  fc.record({ cname: fc.constant(false), A: typeContent(v4), AAAA: typeContent(v6) }),
  fc.constant({ cname: true, A: { kind: 'nothing' }, AAAA: { kind: 'nothing' } } as const)
)

type Content = typeof zoneContent extends fc.Arbitrary<infer T> ? T : never

function zoneWith(content: Content): Route53Zone {
  const zone = new Route53Zone('Z1', 'bar.com')
  if (content.cname) zone.put(NAME, 'CNAME', ['elsewhere.example.'])
  for (const type of ['A', 'AAAA'] as const) {
    const what = content[type]
    if (what.kind === 'plain') zone.put(NAME, type, what.values, { ttl: what.ttl })
    if (what.kind === 'alias') zone.put(NAME, type, [], { extra: { AliasTarget: { DNSName: 'lb.example.' } } })
    if (what.kind === 'weighted') zone.put(NAME, type, what.values, { identifier: 'blue', extra: { Weight: '1' } })
  }
  return zone
}

const atName = (zone: Route53Zone): StoredRecordSet[] => zone.sets.filter(({ name }) => name === `${NAME}.`)

function found(zone: Route53Zone): RecordSet[] {
  return atName(zone).map((raw) => ({
    name: NAME,
    type: raw.type,
    values: raw.values,
    raw,
    ...(raw.ttl !== undefined && { ttl: raw.ttl }),
    ...(Object.keys(raw.extra).length > 0 && { special: 'special' })
  }))
}

function toStored({ action, set }: RecordChange): StoredChange {
  if (action === 'DELETE') return { action, set: set.raw as StoredRecordSet }
  return { action, set: { name: `${NAME}.`, type: set.type, ttl: set.ttl, values: [...set.values], extra: {} } }
}

describe('any plan for any zone', () => {
  const inputs = [
    zoneContent,
    fc.array(address, { maxLength: 5 }),
    fc.boolean(),
    fc.subarray(['192.0.2.1', '2001:db8::1'])
  ] as const

  it('is accepted by Route53, leads to what is wanted in one step, and never to an empty name', () => {
    fc.assert(
      fc.property(...inputs, (content, addresses, overwrite, ours) => {
        const zone = zoneWith(content)
        const before = atName(zone).length
        const wanted = groupAddresses(addresses)
        const plan = (): NamePlan =>
          planName({ name: NAME, ttl: 60, wanted, found: found(zone), overwrite, isOurs: (one) => ours.includes(one) })
        try {
          const { changes } = plan()
          if (changes.length > 0) zone.change(changes.map(toStored))
        } catch (error) {
          expect(findKontrolError(error)?.code).toBe('KTL_DNS_CONFLICT')
          expect(overwrite).toBe(false)
          expect(atName(zone)).toHaveLength(before)
          return
        }
        for (const type of ['A', 'AAAA'] as const) {
          if (wanted[type].length > 0) expect(zone.valuesOf(NAME, type)).toEqual([...wanted[type]])
        }
        expect(atName(zone).length).toBeGreaterThanOrEqual(Math.min(before, 1))
        expect(plan().changes).toEqual([])
      }),
      { numRuns: 1_000 }
    )
  })
})
