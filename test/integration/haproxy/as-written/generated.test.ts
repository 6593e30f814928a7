import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { runChain, startOracle, type ChainReport } from '../../../oracle/run.ts'
import { sideBySide, type Trouble } from '../../../oracle/side-by-side.ts'

/** As many pairs as take a minute; `npm run test:oracle` takes thousands, from a seed that is new each time. */
const SEEDS = Array.from({ length: 12 }, (_, index) => 6_000 + index)
const LENGTH = 10

it('A generated configuration is served as written after every edit', { timeout: 600_000 }, async () => {
  const left = [...SEEDS]
  const reports: ChainReport[] = []
  const troubles: Trouble[] = []

  await sideBySide(
    4,
    () => left.shift(),
    async (oracle, seed) => {
      const report = await runChain(oracle, seed, LENGTH)
      reports.push(report)
      return report.failure === undefined
    },
    (trouble) => troubles.push(trouble)
  )

  expect(troubles.filter(({ resolved }) => !resolved)).toEqual([])
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

it('A fresh HAProxy that ends is trouble of the harness, told with its cause, and no difference', async () => {
  await using oracle = await startOracle()
  const { prefix, bindPort } = oracle.place
  const text = `defaults\n  mode http\nfrontend www\n  bind ${prefix}1.1:${bindPort}\n  http-request deny\n`
  const verdict = await oracle.compare(text, [])
  expect(verdict).toMatchObject({ differences: [] })
  const networks = Array.from({ length: 8 }, (_, index) => `127.${Number(prefix.split('.')[1]) + index}.`)
  const freshOnes = await pidsOf((words) => networks.some((network) => words.includes(`/fresh/${network}/a.cfg`)))
  expect(freshOnes).toHaveLength(1)
  for (const pid of freshOnes) process.kill(pid, 'SIGKILL')

  await expect(oracle.compare(text, [])).rejects.toThrowError('its fresh HAProxy ended by SIGKILL')
})

it('A job that breaks off is tried again, and is never taken for done', async () => {
  const left = ['once', 'always', 'never']
  const tried: string[] = []
  const troubles: Trouble[] = []

  await sideBySide(
    1,
    () => left.shift(),
    async (_oracle, job) => {
      tried.push(job)
      const tries = tried.filter((other) => other === job).length
      if (job === 'always' || (job === 'once' && tries === 1)) throw new Error('no', { cause: new Error('EPIPE') })
      return true
    },
    (trouble) => troubles.push(trouble)
  )

  expect(tried).toEqual(['once', 'once', 'always', 'always', 'never'])
  expect(troubles).toMatchObject([
    { job: 'once', cause: expect.stringContaining('no: EPIPE') as string, resolved: true },
    { job: 'always', resolved: false }
  ])
})

/** Children of ours: an oracle that somebody killed has left its own behind. */
async function pidsOf(matches: (commandLine: string) => boolean): Promise<number[]> {
  const threads = await readdir('/proc/self/task')
  const children = await Promise.all(threads.map((id) => readFile(`/proc/self/task/${id}/children`, 'utf8')))
  const pids = children.flatMap((line) => line.split(' ').filter(Boolean)).map(Number)
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return pids.filter((_pid, index) => matches(lines[index] ?? ''))
}
