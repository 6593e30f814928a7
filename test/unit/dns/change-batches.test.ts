import { describe, expect, it } from 'vitest'
import { packBatches } from '../../../src/dns/reconcile.ts'
import type { RecordChange } from '../../../src/dns/records/record-set.ts'

const plan = (action: 'UPSERT' | 'CREATE', values: string[]) => ({
  changes: [{ action, set: { name: 'foo.bar.com', type: 'A', ttl: 60, values } } satisfies RecordChange]
})
const values = (count: number, length = 9): string[] => Array.from({ length: count }, () => 'x'.repeat(length))
const sizes = (plans: { changes: RecordChange[] }[]): number[] => packBatches(plans).map((batch) => batch.length)

describe('the change batches of a zone', () => {
  it('are none for nothing', () => {
    expect(packBatches([])).toEqual([])
  })

  it('are one up to a thousand records, where an UPSERT counts twice', () => {
    expect(sizes([plan('UPSERT', values(250)), plan('UPSERT', values(250))])).toEqual([2])
    expect(sizes([plan('UPSERT', values(250)), plan('UPSERT', values(251))])).toEqual([1, 1])
    expect(sizes([plan('CREATE', values(500)), plan('CREATE', values(500)), plan('CREATE', values(1))])).toEqual([2, 1])
  })

  it('are one up to 32,000 characters of values', () => {
    expect(sizes([plan('UPSERT', values(200, 40)), plan('UPSERT', values(200, 40))])).toEqual([2])
    expect(sizes([plan('UPSERT', values(200, 40)), plan('UPSERT', values(200, 41))])).toEqual([1, 1])
  })

  it('keep the changes of a name together even where they alone are too many', () => {
    expect(sizes([plan('UPSERT', values(900)), plan('UPSERT', values(1))])).toEqual([1, 1])
  })
})
