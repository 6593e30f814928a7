import { beforeAll, describe, expect, it } from 'vitest'
import { compileTemplate } from '../../../src/render/template.ts'
import { renderWithJinja2, type ReferenceAnswer } from '../../support/jinja/jinja2-reference.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { randomHosts, TemplateGenerator } from '../../support/jinja/template-generator.ts'

const SEED = 20_261_122
const COUNT = 400

const random = new SeededRandom(SEED)
const generator = new TemplateGenerator(random)
const cases = Array.from({ length: COUNT }, () => ({
  template: generator.template(),
  variables: { hosts: randomHosts(random) }
}))

function render({ template, variables }: (typeof cases)[number]): string | Error {
  try {
    return compileTemplate(template).render({ hosts: new Map(Object.entries(variables.hosts)) }).text
  } catch (error) {
    return error as Error
  }
}

describe(`${COUNT} generated templates, next to the real Jinja2`, () => {
  let answers: ReferenceAnswer[]

  beforeAll(async () => {
    answers = await renderWithJinja2(cases)
  })

  it('print the same, byte for byte, or fail where Jinja2 fails', () => {
    const different = cases.flatMap((one, index) => {
      const { output, error } = answers[index] ?? {}
      const ours = render(one)
      const same = error === undefined ? ours === output : ours instanceof Error
      return same ? [] : [{ ...one, ours: String(ours), theirs: output ?? error }]
    })

    expect(different).toEqual([])
  })

  it('mostly do not fail, so that there is something to compare', () => {
    expect(answers.filter(({ output }) => output !== undefined && output.trim() !== '').length).toBeGreaterThan(
      COUNT * 0.8
    )
  })
})
