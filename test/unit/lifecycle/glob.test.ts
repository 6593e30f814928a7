import { describe, expect, it } from 'vitest'
import { compileGlob } from '../../../src/lifecycle/glob.ts'

/** Answers are those of Python 3.11's fnmatch.fnmatchcase(text, pattern). */
const cases: [pattern: string, text: string, matches: boolean][] = [
  ['*', '', true],
  ['*', 'a/b.c\nd', true],
  ['expose-via-*', 'expose-via-route53', true],
  ['expose-via-*', 'expose', false],
  ['st?p', 'stop', true],
  ['st?p', 'stp', false],
  ['[st]top', 'stop', true],
  ['[st]top', 'xtop', false],
  ['[!s]top', 'stop', false],
  ['[!s]top', 'ttop', true],
  ['[a-c]x', 'bx', true],
  ['[]x]', ']', true],
  ['[!]]', ']', false],
  ['[!]]', 'a', true],
  ['[a', '[a', true],
  ['[', '[', true],
  ['[!', '[!', true],
  ['[^a]', '^', true],
  ['[^a]', 'b', false],
  ['[\\]', '\\', true],
  ['a.b', 'axb', false],
  ['a+(b)|c$', 'a+(b)|c$', true],
  ['{x}', '{x}', true],
  ['Stop', 'stop', false]
]

describe('a glob of next', () => {
  it.each(cases)('%j with %j: %s', (pattern, text, matches) => {
    expect(compileGlob(pattern)?.test(text)).toBe(matches)
  })

  it('is not made of a range that runs backwards', () => {
    expect(compileGlob('[z-a]')).toBeUndefined()
  })
})
