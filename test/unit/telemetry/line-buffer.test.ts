import { describe, expect, it } from 'vitest'
import { LineBuffer } from '../../../src/telemetry/opentsdb.ts'

describe('LineBuffer', () => {
  it('drops the oldest lines when it is full, and counts them', () => {
    const buffer = new LineBuffer(3)

    buffer.push(['a', 'b'])
    buffer.push(['c', 'd', 'e'])

    expect(buffer.take(10)).toEqual(['c', 'd', 'e'])
    expect(buffer.dropped).toBe(2)
  })

  it('puts back in front, where the oldest still go first', () => {
    const buffer = new LineBuffer(3)
    buffer.push(['a', 'b', 'c'])
    const taken = buffer.take(2)
    buffer.push(['d'])

    buffer.putBack(taken)

    expect(buffer.take(10)).toEqual(['b', 'c', 'd'])
    expect(buffer.dropped).toBe(1)
    expect(buffer.size).toBe(0)
  })
})
