import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { membersOf, parseJson } from '../../../src/model/json/json.ts'
import { hollow } from '../../support/jinja/hollow.ts'
import { compareWithJinja2, isSame, type Comparison } from '../../support/jinja/jinja-comparison.ts'
import { corpusVariables, readCorpus } from '../../support/jinja/jinja-corpus.ts'
import { SeededRandom } from '../../support/seeded-random.ts'

/** How many times the corpus is rendered with other holes in its variables. */
const HOLLOWED_ROUNDS = 2
const SEED = 20_261_125

const corpus = readCorpus()
const intended = corpus.filter(({ file }) => file === 'differences')
const templates = corpus.filter(({ file }) => file !== 'differences')

/** First column of the table of differences that stay. */
const documented = [
  ...readFileSync(join(import.meta.dirname, '../../../docs/templates.md'), 'utf8').matchAll(/^\| (.+?) +\|/gm)
].map(([, name]) => name)

/** Every member of the variables stays, whatever becomes of what is in it. */
function hollowVariables(seed: number): string {
  const random = new SeededRandom(seed)
  const members = membersOf(parseJson(corpusVariables) as object).map(
    ([name, value]) => `${JSON.stringify(name)}: ${hollow(value, random, 0.06)}`
  )
  return `{${members.join(', ')}}`
}

describe(`${templates.length} templates after those in the wild, next to the real Jinja2`, () => {
  let compared: Comparison[]

  beforeAll(async () => {
    compared = await compareWithJinja2(templates.map(({ template }) => ({ template, variables: corpusVariables })))
  })

  it.each(templates.map(({ file, heading }, index) => [`${file}: ${heading}`, index] as const))('%s', (_, index) => {
    const { ours, theirs } = compared[index] as Comparison

    // An error's message is our own affair, its line is not.
    expect('output' in ours ? ours : { line: ours.line }).toEqual('output' in theirs ? theirs : { line: theirs.line })
  })

  it.each(Array.from({ length: HOLLOWED_ROUNDS }, (_, round) => SEED + round))(
    'are the same with nulls, empty texts and zeros in random places, seed %i',
    async (seed) => {
      const variables = hollowVariables(seed)

      const hollowed = await compareWithJinja2(templates.map(({ template }) => ({ template, variables })))

      expect(hollowed.filter((one) => !isSame(one))).toEqual([])
    }
  )

  it('differ where docs/templates.md says so, and only there', async () => {
    const differing = await compareWithJinja2(
      intended.map(({ template }) => ({ template, variables: corpusVariables }))
    )

    expect(differing.filter(isSame)).toEqual([])
    expect(documented).toEqual(expect.arrayContaining(intended.map(({ heading }) => heading)))
  })
})
