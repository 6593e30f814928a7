import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { TemplateFault } from '../../../src/jinja/template-fault.ts'
import { renderWithJinja2, type ReferenceAnswer } from '../../support/jinja/jinja2-reference.ts'
import { renderJinja } from '../../support/jinja/render-jinja.ts'

/** One template a line; `\n` and `\r` stand for the characters. Each line exercises a corner of the language. */
const templates = readFileSync(join(import.meta.dirname, '../../fixtures/jinja2-snippets.txt'), 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => line.replaceAll('\\n', '\n').replaceAll('\\r', '\r'))

const variables = {
  hosts: { web: ['10.0.0.1', '10.0.0.2', '10.0.0.3'], api: ['10.0.1.1'], db: [] },
  n: 3,
  s: 'Hello World',
  f: 2.5,
  e: '',
  items: [
    { n: 2, name: 'b', t: { x: 1 } },
    { n: 1, name: 'A', t: { x: 2 } },
    { n: 2, name: 'a', t: { x: 0 } }
  ],
  deep: { a: { b: [1, 2, { c: 'x' }] } }
}

type Outcome = { output: string } | { line: number | null | undefined }

function render(template: string): Outcome {
  try {
    return { output: renderJinja(template, variables) }
  } catch (error) {
    const fault = (error as Error).cause
    if (!(fault instanceof TemplateFault)) throw error
    return { line: fault.line }
  }
}

const asOutcome = ({ output, error }: ReferenceAnswer): Outcome =>
  output === undefined ? { line: error?.line } : { output }

describe(`${templates.length} corners of the language, next to the real Jinja2`, () => {
  let answers: ReferenceAnswer[]

  beforeAll(async () => {
    answers = await renderWithJinja2(templates.map((template) => ({ template, variables })))
  })

  it.each(templates.map((template, index) => [template, index] as const))('%s', (template, index) => {
    expect(render(template)).toEqual(asOutcome(answers[index] ?? {}))
  })
})
