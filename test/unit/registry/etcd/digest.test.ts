import { describe, expect, it } from 'vitest'
import { KeepaliveDigest, parseDigest } from '../../../../src/registry/etcd/digest.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const takeFrom = async (digest: KeepaliveDigest): Promise<readonly string[]> => {
  let taken: readonly string[] = []
  await digest.write(async (parts) => void (taken = parts))
  return taken
}

describe('KeepaliveDigest', () => {
  it('tells each pod once, with the time since it was heard last, never rounded up', async () => {
    const clock = new FakeClock()
    const digest = new KeepaliveDigest(clock)
    digest.add('a')
    digest.add('b')
    clock.advance(600)
    digest.add('a')
    clock.advance(499)

    expect((await takeFrom(digest)).flatMap(parseDigest)).toEqual([
      [250, ['a']],
      [1000, ['b']]
    ])
    expect((await takeFrom(digest)).flatMap(parseDigest)).toEqual([])
  })

  it('tells with the next one what could not be written, by its own time', async () => {
    const clock = new FakeClock()
    const digest = new KeepaliveDigest(clock)
    digest.add('a')
    digest.add('b')
    await expect(digest.write(() => Promise.reject(new Error('no contact')))).rejects.toThrow('no contact')
    clock.advance(500)
    digest.add('b')

    expect((await takeFrom(digest)).flatMap(parseDigest)).toEqual([
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
    expect(parts.flatMap(parseDigest).flatMap(([, part]) => part)).toEqual(keys)
  })

  it.each(['', 'null', '{"v":2}', '[1,["x"]]', '[[-1000,["x"]]]', 'not JSON'])('takes %j for no digest', (text) => {
    expect(parseDigest(text)).toEqual([])
  })
})
