import { beforeAll, describe, expect, it } from 'vitest'
import { compareWithJinja2, isSame, type Comparison } from '../../support/jinja/jinja-comparison.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { StatementGenerator } from '../../support/jinja/statement-generator.ts'

/** `npm run test:templates` renders 5,000; `TEMPLATES_SEED=7 TEMPLATES_COUNT=1` renders one again. */
const { TEMPLATES_SEED = '20261125', TEMPLATES_COUNT = '1000' } = process.env

/** Each template has a seed of its own. */
const seeds = Array.from({ length: Number(TEMPLATES_COUNT) }, (_, index) => Number(TEMPLATES_SEED) + index)

const cases = seeds.map((seed) => {
  const generator = new StatementGenerator(new SeededRandom(seed))
  return { variables: generator.variables(), template: generator.template() }
})

describe(`${seeds.length} templates of generated statements, from seed ${TEMPLATES_SEED}, next to the real Jinja2`, () => {
  let compared: Comparison[]

  beforeAll(async () => {
    compared = await compareWithJinja2(cases)
  }, 1_800_000)

  it('print the same, byte for byte, or fail at the same line', () => {
    const different = compared.flatMap((one, index) =>
      isSame(one) ? [] : [{ seed: seeds[index], ...cases[index], ours: one.ours, theirs: one.theirs }]
    )

    expect(different).toEqual([])
  })

  it('mostly do not fail, so that there is something to compare', () => {
    const rendered = compared.filter(({ theirs }) => 'output' in theirs)

    expect(rendered.length).toBeGreaterThanOrEqual(seeds.length * 0.6)
  })
})
