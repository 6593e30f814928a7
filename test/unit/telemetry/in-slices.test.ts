import { describe, expect, it } from 'vitest'
import { inSlices } from '../../../src/telemetry/sample.ts'

describe('inSlices', () => {
  it('hands over every item, in order', async () => {
    const items = Array.from({ length: 250 }, (_, index) => index)
    const slices: (readonly number[])[] = []

    for await (const slice of inSlices(items)) slices.push(slice)

    expect(slices.map(({ length }) => length)).toEqual([100, 100, 50])
    expect(slices.flat()).toEqual(items)
  })

  it('lets other work run before the next slice', async () => {
    const order: string[] = []
    for await (const [first] of inSlices(Array.from({ length: 201 }, (_, index) => index))) {
      order.push(`slice of ${first}`)
      setImmediate(() => order.push('other work'))
    }

    expect(order).toEqual(['slice of 0', 'other work', 'slice of 100', 'other work', 'slice of 200'])
  })
})
