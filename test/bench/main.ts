import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeMachine, performancePage, sectionText, tidy, type Section } from './performance-page.ts'
import { questions } from './questions.ts'
import type { Table } from './table.ts'

/**
 * `npm run bench`: asks one question after the other, prints what each is answered with, and writes docs/performance.md.
 * `-- ping removal`: those alone, which writes nothing unless `--out <file>` says where. `--quick`: a try of the way, whose
 * figures mean nothing and are written to no page but that of `--out`.
 */
export interface Answer {
  tables?: readonly Table[]
  failure?: string
}

/** No question takes half as long on the slowest machine; what hangs does not keep the others from being asked. */
const PATIENCE_MS = 10 * 60_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, out: { type: 'string' } }
})
const unknown = positionals.filter((name) => !(name in questions))
if (unknown.length > 0) {
  console.error(`bench: no question ${unknown.join(', ')}; there are ${Object.keys(questions).join(', ')}`)
  process.exit(64)
}
const isWhole = positionals.length === 0 && !values.quick
const out = values.out ?? (isWhole ? join(import.meta.dirname, '../../docs/performance.md') : undefined)

const machine = describeMachine()
console.log(`${machine}\n`)
const sections: Section[] = []
for (const name of positionals.length > 0 ? positionals : Object.keys(questions)) {
  const section = await ask(name)
  sections.push(section)
  console.log(await tidy(sectionText(section)))
}
if (out !== undefined) await writeFile(out, await performancePage(machine, sections))
const failed = sections.filter(({ failure }) => failure !== undefined)
for (const { name, failure } of failed) console.error(`bench: ${name} is not valid: ${failure?.split('\n')[0]}`)
process.exitCode = failed.length === 0 ? 0 : 1

async function ask(name: string): Promise<Section> {
  const started = performance.now()
  const child = fork(join(import.meta.dirname, 'question-process.ts'), [name, values.quick ? 'quick' : 'whole'], {
    execArgv: ['--expose-gc', '--import', 'tsx']
  })
  let answer: Answer = { failure: 'its process ended without an answer' }
  child.on('message', (message) => (answer = message as Answer))
  const overdue = setTimeout(() => {
    answer = { failure: 'it hung; look for processes that it has left' }
    child.kill('SIGKILL')
  }, PATIENCE_MS)
  await once(child, 'exit')
  clearTimeout(overdue)
  return { name, seconds: (performance.now() - started) / 1000, tables: answer.tables ?? [], failure: answer.failure }
}
