import type { RecordChange } from './record-set.ts'

/** Limits of one ChangeResourceRecordSets request; an UPSERT counts twice, as it deletes and creates. */
const MAX_RECORDS = 1000
const MAX_VALUE_CHARACTERS = 32_000

interface NamedChanges {
  readonly changes: readonly RecordChange[]
}

/**
 * Puts the changes of a zone into as few requests as its limits allow: one,
 * unless there are hundreds of proxies. The changes of one name stay together,
 * as they are right only together.
 */
export function packBatches<T extends NamedChanges>(plans: readonly T[]): T[][] {
  const batches: T[][] = []
  let records = 0
  let characters = 0
  for (const plan of plans) {
    const size = sizeOf(plan.changes)
    records += size.records
    characters += size.characters
    const current = batches.at(-1)
    if (current !== undefined && records <= MAX_RECORDS && characters <= MAX_VALUE_CHARACTERS) {
      current.push(plan)
      continue
    }
    batches.push([plan])
    ;({ records, characters } = size)
  }
  return batches
}

function sizeOf(changes: readonly RecordChange[]): { records: number; characters: number } {
  let records = 0
  let characters = 0
  for (const { action, set } of changes) {
    const weight = action === 'UPSERT' ? 2 : 1
    records += weight * Math.max(1, set.values.length)
    characters += weight * set.values.join('').length
  }
  return { records, characters }
}
