import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CORPUS, reloadsOf, runCorpus, writeCorpusFiles } from '../../oracle/corpus.ts'
import { startOracle, type Oracle } from '../../oracle/run.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'

/** A third of them with each version, so that it takes a minute; `npm run test:oracle -- --corpus` takes all. */
const third = { '3.0': 1, '3.2': 2 }[process.env.HAPROXY_VERSION ?? ''] ?? 0
const some = CORPUS.filter((_name, index) => index % 3 === third)

/** Configurations in which a pod that joins or leaves takes a reload, and why HAProxy cannot do without. */
const reloads = new Map<string, readonly string[]>()

describe('A configuration as people write it', () => {
  let oracle: Oracle
  let files: TempDir
  beforeAll(async () => {
    oracle = await startOracle()
    files = await tempDir()
    await writeCorpusFiles(files.path)
  })
  afterAll(async () => {
    await oracle[Symbol.asyncDispose]()
    await files[Symbol.asyncDispose]()
    const lines = [...reloads].map(([name, reasons]) => `  ${name}: ${reasons.join('; ')}`)
    console.log([`${reloads.size} of ${some.length} reload when a pod joins or leaves:`, ...lines].join('\n'))
  })

  it.each(some)('%s is served as written, whatever pods come and go', async (name) => {
    const steps = await runCorpus(oracle, name, files.path)

    const reasons = reloadsOf(steps)
    if (reasons.length > 0) reloads.set(name, reasons)
    expect(steps.flatMap(({ step, differences }) => differences.map((words) => `${step}: ${words}`))).toEqual([])
  })
})
