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
  variables: Record<string, unknown>
}

/** Debian's, whose Jinja2 is 3.1.2: another Python that stands first in PATH may have a version that differs. */
const PYTHON = '/usr/bin/python3'
const SCRIPT = join(import.meta.dirname, '../integration/jinja/reference.py')

/** Renders all cases in one Python process (Debian's python3-jinja2), answers in the same order. */
export async function renderWithJinja2(cases: readonly ReferenceCase[]): Promise<ReferenceAnswer[]> {
  const python = spawn(PYTHON, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(python, 'exit')
  for (const { template, variables } of cases) python.stdin.write(`${JSON.stringify({ template, variables })}\n`)
  python.stdin.end()
  const answers: ReferenceAnswer[] = []
  for await (const line of createInterface(python.stdout)) answers.push(JSON.parse(line) as ReferenceAnswer)
  await exited
  if (answers.length !== cases.length) throw new Error(`Jinja2 answered ${answers.length} of ${cases.length} cases`)
  return answers
}
