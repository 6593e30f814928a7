import { Type, type TSchema } from 'typebox'

/** Items of one page: it is put together in one go, and keepalives wait meanwhile. */
const MOST = 1_000

/** What a list takes to be asked for in pages; `key` is what an item is known by, in whose order the list is. */
export const pageQuery = <Key extends TSchema>(key: Key) => ({
  limit: Type.Optional(
    Type.Integer({
      ...{ minimum: 1, examples: [100] },
      description: `At most so many, never more than ${MOST}, and \`next\` beside them`
    })
  ),
  after: Type.Optional(key)
})

export interface Page<Key> {
  limit?: number
  after?: Key
}

/** Beside the items where `limit` was given: what to ask for as `after`, or null when there is no more. */
export const nextPage = <Key extends TSchema>(key: Key) =>
  Type.Optional(
    Type.Union([key, Type.Null()], {
      description: 'Only with `limit`: `after` of the next page; null when there is none'
    })
  )

/**
 * The items of one page, out of a list in the order of its keys. Keys stay when items go, so nothing is told twice and
 * nothing that was there all the time is left out.
 *
 * @returns next: of the page behind it, null where there is none, and absent where no page was asked for
 */
export function pageOf<T, Key extends number | string>(
  items: Iterable<T>,
  keyOf: (item: T) => Key,
  { limit, after }: Page<Key>
): { page: T[]; next?: Key | null } {
  const most = limit === undefined ? Infinity : Math.min(limit, MOST)
  const page: T[] = []
  for (const item of items) {
    if (after !== undefined && keyOf(item) <= after) continue
    const last = page.at(-1)
    if (page.length >= most && last !== undefined) return { page, next: keyOf(last) }
    page.push(item)
  }
  return limit === undefined ? { page } : { page, next: null }
}
