import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changedLines } from '../../../../src/haproxy/config/text-changes.ts'

/** Few letters and short lines, so that texts are alike; some long enough to be compared in blocks. */
const text = fc
  .array(fc.oneof(fc.constantFrom('', 'a', 'b', 'ab'), fc.constant('long '.repeat(2_000))), { maxLength: 8 })
  .map((lines) => lines.join('\n'))

describe('changedLines', () => {
  it('leaves out the common beginning and the common end', () => {
    expect(changedLines('a\nb\nc\nd\n', 'a\nx\nc\nd\n')).toEqual({ head: 1, before: ['b'], after: ['x'] })
  })

  it('finds one line that came among ten thousand, and little else', () => {
    const lines = Array.from({ length: 10_000 }, (_, n) => `  server web-${n} 10.0.0.${n}:80 check`)
    const more = lines.toSpliced(7_000, 0, 'new')

    const { head, before, after } = changedLines(lines.join('\n'), more.join('\n'))

    expect(head).toBe(7_000)
    expect(before).toEqual([lines[7_000]])
    expect(after).toEqual(['new', lines[7_000]])
  })

  it('makes of the one text the other, whatever they are', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const { head, before, after } = changedLines(one, other)
        const lines = one.split('\n')
        expect(lines.slice(head, head + before.length)).toEqual(before)
        expect(lines.toSpliced(head, before.length, ...after)).toEqual(other.split('\n'))
      }),
      { numRuns: 2_000 }
    )
  })
})
