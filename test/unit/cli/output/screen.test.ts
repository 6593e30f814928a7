import { describe, expect, it } from 'vitest'
import { Screen } from '../../../../src/cli/output/screen.ts'

const LINES = ['HEADING', ...Array.from({ length: 9 }, (_, row) => `row ${row + 1}`)]

/** What a frame shows. */
function drawn(rows: number, keepsEnd: boolean): string[] {
  let text = ''
  new Screen((frame) => (text = frame)).draw('top', LINES, { columns: 20, rows }, keepsEnd)
  return text
    .slice(text.indexOf('\u001b[H') + 3)
    .replaceAll('\u001b[K', '')
    .replaceAll('\u001b[J', '')
    .split('\n')
}

describe('a screen that is too low', () => {
  it('tells how many lines are not shown', () => {
    expect(drawn(6, false)).toEqual(['top', 'HEADING', 'row 1', 'row 2', '… 7 more lines'])
    expect(drawn(20, false)).toEqual(['top', ...LINES])
  })

  it('keeps the heading and the newest where these come last', () => {
    expect(drawn(6, true)).toEqual(['top', 'HEADING', '… 7 earlier lines', 'row 8', 'row 9'])
  })

  it.each([1, 2, 3, 4])('draws no more than fits into %i rows', (rows) => {
    expect(drawn(rows, true).length).toBeLessThanOrEqual(Math.max(2, rows - 1))
    expect(drawn(rows, false).length).toBeLessThanOrEqual(Math.max(2, rows - 1))
  })
})

it('leaves a terminal alone that was never drawn on', () => {
  const written: string[] = []
  new Screen((text) => written.push(text)).close()

  expect(written).toEqual([])
})
