import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { runChain, startOracle, type ChainReport } from '../../../oracle/run.ts'
import { sideBySide } from '../../../oracle/side-by-side.ts'

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

it('A text that both sides refuse for want of an address is no agreement', async () => {
  await using oracle = await startOracle()
  const { prefix, bindPort } = oracle.place
  const squatter = createServer().listen({ port: bindPort, host: '0.0.0.0', exclusive: true })
  await once(squatter, 'listening')
  try {
    const text = `defaults\n  mode http\nfrontend www\n  bind ${prefix}1.1:${bindPort}\n  http-request deny\n`
    await expect(oracle.compare(text, [])).rejects.toThrowError("The oracle's addresses are taken")
  } finally {
    squatter.close()
  }
})
