import fc from 'fast-check'
import { expect, it } from 'vitest'
import { blocksOf } from '../../../src/platform/text/blocks.ts'

it('cuts a text at its empty lines, whatever it is', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[\nab]*$/), (text) => {
      expect(blocksOf(text)).toEqual(text.split(/(?<=^|\n)\n/))
    }),
    { numRuns: 2_000 }
  )
})
