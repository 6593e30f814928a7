import { expect, it } from 'vitest'
import { CORPUS, reloadsOf, runCorpus, writeCorpusFiles } from '../../../oracle/corpus.ts'
import { sideBySide, type Trouble } from '../../../oracle/side-by-side.ts'
import { tempDir } from '../../../support/temp-dir.ts'

/** A third of them with each version, so that it takes a minute; `npm run test:oracle -- --corpus` takes all. */
const third = { '3.0': 1, '3.2': 2 }[process.env.HAPROXY_VERSION ?? ''] ?? 0
const some = CORPUS.filter((_name, index) => index % 3 === third)

it(
  'A configuration as people write it is served as written, whatever pods come and go',
  { timeout: 600_000 },
  async () => {
    await using files = await tempDir()
    await writeCorpusFiles(files.path)
    const left = [...some]
    const differences: string[] = []
    const troubles: Trouble[] = []
    /** In which a pod that joins or leaves takes a reload, and why HAProxy cannot do without. */
    const reloads: string[] = []

    await sideBySide(
      4,
      () => left.shift(),
      async (oracle, name) => {
        const steps = await runCorpus(oracle, name, files.path)
        const reasons = reloadsOf(steps)
        if (reasons.length > 0) reloads.push(`  ${name}: ${reasons.join('; ')}`)
        const found = steps.flatMap(({ step, differences }) => differences.map((words) => `${name}, ${step}: ${words}`))
        differences.push(...found)
        return found.length === 0
      },
      (trouble) => troubles.push(trouble)
    )

    console.log([`${reloads.length} of ${some.length} reload when a pod joins or leaves:`, ...reloads].join('\n'))
    expect(troubles.filter(({ resolved }) => !resolved)).toEqual([])
    expect(differences).toEqual([])
  }
)
