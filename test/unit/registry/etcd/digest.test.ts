import { describe, expect, it } from 'vitest'
import { KeepaliveDigest, parseDigest } from '../../../../src/registry/etcd/digest.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

describe('KeepaliveDigest', () => {
  it('tells each pod once, with the time since it was heard last, never rounded up', () => {
    const clock = new FakeClock()
    const digest = new KeepaliveDigest(clock)
    digest.add('a')
    digest.add('b')
    clock.advance(600)
    digest.add('a')
    clock.advance(499)

    expect(digest.take().flatMap(parseDigest)).toEqual([
      [250, ['a']],
      [1000, ['b']]
    ])
    expect(digest.take().flatMap(parseDigest)).toEqual([])
  })

  it('splits what would be too much for one request', () => {
    const digest = new KeepaliveDigest(new FakeClock())
    const keys = Array.from({ length: 40_000 }, (_, i) => `${i}`.padStart(63, '0'))
    for (const key of keys) digest.add(key)
    const parts = digest.take()

    for (const part of parts) expect(part.length).toBeLessThan(1024 * 1024)
    expect(parts.flatMap(parseDigest).flatMap(([, part]) => part)).toEqual(keys)
  })

  it.each(['', 'null', '{"v":2}', '[1,["x"]]', 'not JSON'])('takes %j for no digest', (text) => {
    expect(parseDigest(text)).toEqual([])
  })
})
