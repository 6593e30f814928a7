/** Items by app: the same list again is one that did not change. */
export type Lists<T> = ReadonlyMap<string, readonly T[]>

/** What became of the lists of all apps. */
export interface ListChanges<T> {
  /** In their order; absent where they are those of before. */
  readonly apps?: readonly string[]
  readonly splices: readonly Splice<T>[]
}

/** So many items of one list, from an index on, are others now. */
interface Splice<T> {
  readonly app: string
  readonly from: number
  readonly removed: number
  readonly items: readonly T[]
}

/** At most so many items at once: whoever writes them down has other things to do as well. */
const ITEMS_AT_ONCE = 200

/** In parts, to be applied one after another. A fleet that is new takes many, a pod that joins one. */
export function* changesOf<T>(before: Lists<T>, now: Lists<T>): Generator<ListChanges<T>> {
  for (const [app, list] of now) {
    const known = before.get(app) ?? []
    if (list !== known) for (const splice of splicesOf(app, known, list)) yield { splices: [splice] }
  }
  const apps = [...now.keys()]
  const same = before.size === now.size && [...before.keys()].every((app, index) => app === apps[index])
  if (!same) yield { apps, splices: [] }
}

function* splicesOf<T>(app: string, before: readonly T[], now: readonly T[]): Generator<Splice<T>> {
  const from = sameUntil(before, now, (list, index) => list[index])
  const [restBefore, rest] = [before.slice(from), now.slice(from)]
  const behind = sameUntil(restBefore, rest, (list, index) => list[list.length - 1 - index])
  const items = rest.slice(0, rest.length - behind)
  let removed = restBefore.length - behind
  for (let at = 0; at < items.length || removed > 0; at += ITEMS_AT_ONCE) {
    yield { app, from: from + at, removed, items: items.slice(at, at + ITEMS_AT_ONCE) }
    removed = 0
  }
}

function sameUntil<T>(
  one: readonly T[],
  other: readonly T[],
  item: (list: readonly T[], index: number) => T | undefined
): number {
  const most = Math.min(one.length, other.length)
  let index = 0
  while (index < most && item(one, index) === item(other, index)) index++
  return index
}

/** Brings lists, which are changed in place, to where the changes were found. */
export function applyChanges<T>(lists: Map<string, T[]>, { apps, splices }: ListChanges<T>): Map<string, T[]> {
  for (const { app, from, removed, items } of splices) {
    const list = lists.get(app) ?? []
    list.splice(from, removed, ...items)
    lists.set(app, list)
  }
  return apps === undefined ? lists : new Map(apps.map((app) => [app, lists.get(app) ?? []]))
}
