import { describe, expect, it } from 'vitest'
import { table } from '../../../../src/cli/output/table.ts'

const HEADING = ['NAME', 'NUMBER', 'REMARK']
const ROWS = [
  ['short', '1', 'a remark that is much longer than the others of its row'],
  ['a name of some length', '22', '']
]

describe('table', () => {
  it('keeps cells whole where there is no terminal', () => {
    expect(table(HEADING, ROWS)).toBe(
      [
        'NAME                   NUMBER  REMARK',
        'short                  1       a remark that is much longer than the others of its row',
        'a name of some length  22'
      ].join('\n')
    )
  })

  it('cuts the widest cells to the width of a terminal', () => {
    const lines = table(HEADING, ROWS, 50).split('\n')

    expect(Math.max(...lines.map((line) => line.length))).toBe(50)
    expect(lines[1]).toBe('short                 1       a remark that is mu…')
  })

  it('leaves room for a word in each column of a terminal that is too narrow', () => {
    expect(table(HEADING, ROWS, 3).split('\n')[0]).toBe('NAME   NUMB…  REMA…')
  })

  it('cuts first what may be cut: a name in its middle, prose at its end', () => {
    const heading = [{ name: 'ID', cut: 'middle' }, 'ADDRESS', { name: 'CAUSE', cut: 'end' }] as const
    const row = ['web-7d4b9c6f5d-x2k2p', '127.0.0.2:33333', 'a sentence of some length']

    expect(table(heading, [row], 50)).toBe(
      ['ID               ADDRESS          CAUSE', 'web-7d4…d-x2k2p  127.0.0.2:33333  a sentence of s…'].join('\n')
    )
  })

  it('counts columns, of which a wide character takes two', () => {
    expect(table(['A', 'B'], [['日本', 'x']])).toBe('A     B\n日本  x')
  })

  it('shows what would break the row, or move the cursor, as a blank', () => {
    expect(table(['A', 'B'], [['one\ntwo', '\u001b[2Jred\u009b']])).toBe('A        B\none two   [2Jred')
  })
})
