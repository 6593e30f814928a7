import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** What the real Jinja2 made of a template. */
export interface ReferenceAnswer {
  output?: string
  error?: { type: string; message: string; line: number | null }
}

export interface ReferenceCase {
  template: string
  /** Plain data, or JSON text in the way of Python, which may hold big ints, floats and NaN. */
  variables: Record<string, unknown> | string
}

/** Debian's, which has python3-jinja2; another Python may come first in the path. */
const PYTHON = '/usr/bin/python3'
const SCRIPT = join(import.meta.dirname, '../../integration/jinja/reference.py')

/** Renders all cases in one Python process (Debian's python3-jinja2), answers in the same order. */
export async function renderWithJinja2(cases: readonly ReferenceCase[]): Promise<ReferenceAnswer[]> {
  const python = spawn(PYTHON, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(python, 'exit')
  for (const line of requests(cases)) python.stdin.write(line)
  python.stdin.end()
  const answers: ReferenceAnswer[] = []
  for await (const line of createInterface(python.stdout)) answers.push(JSON.parse(line) as ReferenceAnswer)
  await exited
  if (answers.length !== cases.length) throw new Error(`Jinja2 answered ${answers.length} of ${cases.length} cases`)
  return answers
}

/** Variables go once for all the cases in a row that share them. */
function* requests(cases: readonly ReferenceCase[]): Generator<string> {
  let shared: ReferenceCase['variables'] | undefined
  for (const { template, variables } of cases) {
    if (variables !== shared) {
      shared = variables
      const text = typeof variables === 'string' ? variables.replaceAll('\n', ' ') : JSON.stringify(variables)
      yield `{"variables": ${text}}\n`
    }
    yield `${JSON.stringify({ template })}\n`
  }
}
