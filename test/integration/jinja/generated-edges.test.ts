import { beforeAll, describe, expect, it } from 'vitest'
import { edgeTemplate, edgeVariables } from '../../support/jinja/edge-templates.ts'
import { compareWithJinja2, isSame, type Comparison } from '../../support/jinja/jinja-comparison.ts'
import { SeededRandom } from '../../support/seeded-random.ts'

/** `npm run test:templates` renders 5,000; `TEMPLATES_SEED=7 TEMPLATES_COUNT=1` renders one again. */
const { TEMPLATES_SEED = '20261128', TEMPLATES_COUNT = '1500' } = process.env

/** Each template has a seed of its own. */
const seeds = Array.from({ length: Number(TEMPLATES_COUNT) }, (_, index) => Number(TEMPLATES_SEED) + index)

describe(`${seeds.length} templates that use values for what they may not be made for, from seed ${TEMPLATES_SEED}`, () => {
  let compared: Comparison[]

  beforeAll(async () => {
    compared = await compareWithJinja2(
      seeds.map((seed) => ({ template: edgeTemplate(new SeededRandom(seed)), variables: edgeVariables }))
    )
  }, 300_000)

  it('print what the real Jinja2 prints, byte for byte, or fail at the same line', () => {
    const different = compared.flatMap((one, index) => (isSame(one) ? [] : [{ seed: seeds[index], ...one }]))

    expect(different).toEqual([])
  })

  it('do not all fail, so that there is something to compare', () => {
    const rendered = compared.filter(({ theirs }) => 'output' in theirs)

    expect(rendered.length).toBeGreaterThanOrEqual(seeds.length * 0.3)
  })
})
