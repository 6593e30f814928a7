import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runChain, startOracle, type Oracle } from '../../oracle/run.ts'

/** As many pairs as take half a minute; `npm run test:oracle` takes thousands, from a seed that is new each time. */
const SEEDS = Array.from({ length: 12 }, (_, index) => 6_000 + index)
const LENGTH = 5

describe('A generated configuration', () => {
  let oracle: Oracle
  beforeAll(async () => (oracle = await startOracle()))
  afterAll(async () => await oracle[Symbol.asyncDispose]())

  it.each(SEEDS)('is served as written after every edit, with seed %i', async (seed) => {
    const { failure } = await runChain(oracle, seed, LENGTH)

    expect(failure).toBeUndefined()
  })
})
