import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyChanges, changesOf, type Lists } from '../../../src/render/list-changes.ts'

/** What is there after the changes, as another process would have it. */
function after<T>(before: Lists<T>, now: Lists<T>): [app: string, list: readonly T[]][] {
  const known = new Map(Array.from(before, ([app, list]) => [app, [...list]]))
  const sent = JSON.parse(JSON.stringify([...changesOf(before, now)])) as Parameters<typeof applyChanges<T>>[1][]
  return [...sent.reduce((lists, changes) => applyChanges(lists, changes), known)]
}

const lists = fc
  .uniqueArray(fc.constantFrom('a', 'b', 'c', '10', '__proto__'))
  .chain((apps) => fc.tuple(...apps.map((app) => fc.tuple(fc.constant(app), fc.array(fc.nat(5))))))
  .map((entries): Lists<number> => new Map(entries))

describe('lists that follow others by their changes', () => {
  it('are the same afterwards, apps in their order', () => {
    fc.assert(
      fc.property(lists, lists, (before, now) => {
        expect(after(before, now)).toEqual([...now])
      })
    )
  })

  it('are the same where many items come at once', () => {
    const many = Array.from({ length: 1_234 }, (_, index) => index)

    expect(after(new Map([['a', [-1, -2]]]), new Map([['a', many]]))).toEqual([['a', many]])
    expect(after(new Map([['a', many]]), new Map([['a', [0, 1_233]]]))).toEqual([['a', [0, 1_233]]])
  })

  it('are told of nothing but what changed', () => {
    const [web, db] = [['10.0.0.1', '10.0.0.2', '10.0.0.3'], ['10.0.1.1']]
    const before = new Map([['db', db], ['web', web]]) // prettier-ignore

    expect([...changesOf(before, new Map(before))]).toEqual([])
    expect([...changesOf(before, new Map([...before, ['web', [...web, '10.0.0.4']]]))]).toEqual([
      { splices: [{ app: 'web', from: 3, removed: 0, items: ['10.0.0.4'] }] }
    ])
    expect([...changesOf(before, new Map([...before, ['web', web.filter((ip) => ip !== '10.0.0.2')]]))]).toEqual([
      { splices: [{ app: 'web', from: 1, removed: 1, items: [] }] }
    ])
    expect([...changesOf(before, new Map([['db', db]]))]).toEqual([{ apps: ['db'], splices: [] }])
  })
})
