import { describe, expect, it } from 'vitest'
import type { MasterWord } from '../../../../src/model/master.ts'
import { KeepaliveDigest, parseDigest } from '../../../../src/registry/etcd/digest.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const takeFrom = async (digest: KeepaliveDigest): Promise<readonly string[]> => {
  let taken: readonly string[] = []
  await digest.write(async (parts) => void (taken = parts))
  return taken
}

const heardIn = (part: string) => parseDigest(part).heard

const word = { id: 'haproxy-0', ip: '10.0.0.1', version: '1.2.3', config: 'ab'.repeat(32), problems: ['KTL_STARTING'] }

describe('KeepaliveDigest', () => {
  it('tells each pod once, with the time since it was heard last, never rounded up', async () => {
    const clock = new FakeClock()
    const digest = new KeepaliveDigest(clock)
    digest.add('a')
    digest.add('b')
    clock.advance(600)
    digest.add('a')
    clock.advance(499)

    expect((await takeFrom(digest)).flatMap(heardIn)).toEqual([
      [250, ['a']],
      [1000, ['b']]
    ])
    expect((await takeFrom(digest)).flatMap(heardIn)).toEqual([])
  })

  it('tells with the next one what could not be written, by its own time', async () => {
    const clock = new FakeClock()
    const digest = new KeepaliveDigest(clock)
    digest.add('a')
    digest.add('b')
    await expect(digest.write(() => Promise.reject(new Error('no contact')))).rejects.toThrow('no contact')
    clock.advance(500)
    digest.add('b')

    expect((await takeFrom(digest)).flatMap(heardIn)).toEqual([
      [500, ['a']],
      [0, ['b']]
    ])
  })

  it('splits what would be too much for one request', async () => {
    const digest = new KeepaliveDigest(new FakeClock())
    const keys = Array.from({ length: 40_000 }, (_, i) => `${i}`.padStart(63, '0'))
    for (const key of keys) digest.add(key)
    const parts = await takeFrom(digest)

    for (const part of parts) expect(part.length).toBeLessThan(1024 * 1024)
    expect(parts.flatMap(heardIn).flatMap(([, part]) => part)).toEqual(keys)
  })

  it.each(['', 'null', '{"v":2}', '[1,["x"]]', '[[-1000,["x"]]]', 'not JSON'])('takes %j for no digest', (text) => {
    expect(parseDigest(text)).toEqual({ heard: [], word: undefined })
  })

  it('says with the first part what this master says of itself, at that moment', async () => {
    let now: MasterWord = { ...word, config: null, problems: [] }
    const digest = new KeepaliveDigest(new FakeClock(), () => now)
    for (let i = 0; i < 40_000; i++) digest.add(`${i}`)
    now = word

    const parts = await takeFrom(digest)

    expect(parts.map((part) => parseDigest(part).word)).toEqual([word, undefined, undefined])
    expect(parts.flatMap(heardIn).flatMap(([, keys]) => keys)).toHaveLength(40_000)
  })

  it.each([
    ['another shape', { id: 'haproxy-0' }],
    ['an address that is none', { ...word, ip: 'here' }],
    ['an id of markup', { ...word, id: '<b>' }],
    ['a digest of another kind', { ...word, config: 'x' }],
    ['problems in words', { ...word, problems: ['it is late'] }],
    ['more problems than anybody reads', { ...word, problems: Array.from({ length: 21 }, () => 'KTL_STARTING') }]
  ])('hears the pods, and no word of %s', (_, said) => {
    expect(parseDigest(JSON.stringify([[0, ['a']], said]))).toEqual({ heard: [[0, ['a']]], word: undefined })
  })

  it('drops what a version to come says besides', () => {
    expect(parseDigest(JSON.stringify([{ ...word, more: 1 }])).word).toEqual(word)
  })
})
