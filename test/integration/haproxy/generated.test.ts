import { expect, it } from 'vitest'
import { runChain, type ChainReport } from '../../oracle/run.ts'
import { sideBySide } from '../../oracle/side-by-side.ts'

/** As many pairs as take a minute; `npm run test:oracle` takes thousands, from a seed that is new each time. */
const SEEDS = Array.from({ length: 12 }, (_, index) => 6_000 + index)
const LENGTH = 10

it('A generated configuration is served as written after every edit', { timeout: 600_000 }, async () => {
  const left = [...SEEDS]
  const reports: ChainReport[] = []

  await sideBySide(
    4,
    () => left.shift(),
    async (oracle, seed) => {
      const report = await runChain(oracle, seed, LENGTH)
      reports.push(report)
      return report.failure === undefined
    }
  )

  expect(reports.flatMap(({ seed, failure }) => (failure === undefined ? [] : [{ seed, failure }]))).toEqual([])
  expect(reports.reduce((sum, { pairs }) => sum + pairs, 0)).toBe(SEEDS.length * LENGTH)
})
