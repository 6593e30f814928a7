import { describe, expect, it } from 'vitest'
import { csvCells, csvFirstCells, csvLines } from '../../../src/platform/text/csv.ts'

const cellsOf = (csv: string): string[][] => csvLines(csv).map(csvCells)

describe('csvLines and csvCells', () => {
  it('read rows of cells, and no blank lines', () => {
    expect(cellsOf('a,b,\n\n,1,2\n')).toEqual([
      ['a', 'b', ''],
      ['', '1', '2']
    ])
  })

  it('keep commas, quotes and line feeds within quotes', () => {
    expect(cellsOf('a,"x,""y"",z",b\n"1\n\n2",",",""\n')).toEqual([
      ['a', 'x,"y",z', 'b'],
      ['1\n\n2', ',', '']
    ])
  })

  it('take what never ends as one cell', () => {
    expect(cellsOf('a,"b\nc,d')).toEqual([['a', '"b\nc,d']])
  })
})

describe('csvFirstCells', () => {
  it.each(['a,b,,d', 'a,"b,""c""\n,",,d', 'a,b', ',"b', '', '"a"'])(
    'reads %j as csvCells does, and no further',
    (line) => {
      for (const count of [0, 1, 2, 3, 9]) expect(csvFirstCells(line, count)).toEqual(csvCells(line).slice(0, count))
    }
  )
})
