import { KontrolError } from '../../../src/errors.ts'
import { JinjaTemplate } from '../../../src/jinja/template.ts'
import { fromData } from '../../../src/jinja/values/from-data.ts'
import { isJsonNumber, membersOf, parseJson } from '../../../src/model/json/json.ts'
import { TemplateFault } from '../../../src/jinja/template-fault.ts'
import { renderWithJinja2, type ReferenceAnswer } from './jinja2-reference.ts'

/** What became of a template: its text, or the line of its error (null where Jinja2 names none). */
type Outcome = { output: string } | { line: number | null; message: string }

export interface Comparison {
  template: string
  ours: Outcome
  theirs: Outcome
}

export interface ComparisonCase {
  template: string
  /** JSON text in the way of Python: big ints, floats apart from ints, NaN. */
  variables: string
}

/** Renders each template with the real Jinja2 and with ours. */
export async function compareWithJinja2(cases: readonly ComparisonCase[]): Promise<Comparison[]> {
  const answers = await renderWithJinja2(cases)
  return cases.map((one, index) => ({
    template: one.template,
    ours: render(one),
    theirs: asOutcome(answers[index] ?? {})
  }))
}

/** The same text, or an error at the same line; what the message says is our own affair. */
export function isSame({ ours, theirs }: Comparison): boolean {
  if ('output' in ours) return 'output' in theirs && ours.output === theirs.output
  if (!('line' in theirs)) return false
  // How deep Python goes depends on what it calls on the way: docs/templates.md lists that.
  const endless = ours.message.endsWith('levels of recursion') && theirs.message.startsWith('RecursionError')
  return endless || ours.line === theirs.line
}

function render({ template, variables }: ComparisonCase): Outcome {
  try {
    const given = membersOf(parseJson(variables) as object)
    const values = new Map(given.map(([name, value]) => [name, () => fromData(value, isJsonNumber)]))
    return { output: new JinjaTemplate(template).render(values) }
  } catch (error) {
    const fault = error instanceof KontrolError ? error.cause : undefined
    if (!(fault instanceof TemplateFault)) throw new Error(`not a fault of the template: ${template}`, { cause: error })
    return { line: fault.line ?? null, message: `${fault.kind}: ${fault.message}` }
  }
}

function asOutcome({ output, error }: ReferenceAnswer): Outcome {
  if (output !== undefined) return { output }
  return { line: error?.line ?? null, message: `${error?.type}: ${error?.message}` }
}
