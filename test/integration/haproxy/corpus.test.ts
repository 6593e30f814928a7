import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CORPUS, runCorpus, writeCorpusFiles } from '../../oracle/corpus.ts'
import { startOracle, type Oracle } from '../../oracle/run.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'

/** A third of them, so that it takes a minute; `npm run test:haproxy` takes all. */
const some = process.env.HAPROXY_VERSION === undefined ? CORPUS.filter((_name, index) => index % 3 === 0) : CORPUS

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

    const changed = steps.filter(({ step, outcome }) => step !== 'first' && outcome === 'reload')
    if (changed.length > 0) reloads.set(name, [...new Set(changed.flatMap(({ reasons }) => reasons))])
    expect(steps.flatMap(({ step, differences }) => differences.map((words) => `${step}: ${words}`))).toEqual([])
  })
})
