import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { programVersion } from '../../src/platform/process/program-version.ts'
import { markdownOf, type Table } from './table.ts'

/** What became of a question. */
export interface Section {
  name: string
  seconds: number
  tables: readonly Table[]
  /** Why its run is not valid. */
  failure?: string | undefined
}

const root = join(import.meta.dirname, '../..')

const intro = (machine: string): string => `# Performance

This page is written by a program, each figure by the run that measured it:

<!-- not run: is a test itself -->

\`\`\`sh
npm run bench             # all questions; writes this page
npm run bench -- removal  # those that are named; prints their tables
\`\`\`

${machine}

Compare the rows of one table, and repeat the run on your machine. A figure with two more in brackets is the median of the
rounds, and between what they lay; a ratio is one of two medians of the same run. A _floor_ is what the same work takes without
this program: no program in its place could be faster. An _aim_ is what we want; it does not fail the run. What does is a
keepalive that is refused, an answer that is wrong, a server that is not as wanted.

Nothing is dropped meanwhile: that is no figure but a test, \`test/integration/haproxy/zero-drop.test.ts\`.
`

/** Of the machine now: asked before the first question, as its load belongs to it. */
export function describeMachine(): string {
  const of = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { encoding: 'utf8' }).split('\n')[0] ?? ''
  const [, system = ''] = /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? []
  const [, haproxy = ''] = /version (\d[\w.]*)/.exec(of('haproxy', '-v')) ?? []
  const [, etcd = ''] = /Version: (\S+)/.exec(of('etcd', '--version')) ?? []
  const fastify = JSON.parse(readFileSync(join(root, 'node_modules/fastify/package.json'), 'utf8')) as {
    version: string
  }
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'})`,
    `${Math.round(totalmem() / 2 ** 30)} GiB, ${system}, Node ${process.versions.node}, HAProxy ${haproxy}, etcd ${etcd}`,
    `Fastify ${fastify.version}, kontrol-haproxy ${programVersion}; load of the machine before the run ${(loadavg()[0] ?? 0).toFixed(1)}.`
  ].join(', ')
}

export function sectionText({ name, seconds, tables, failure }: Section): string {
  const told = `\`npm run bench -- ${name}\`, ${Math.round(seconds)} s.`
  if (failure !== undefined) return `## ${name}\n\n**No valid run**: ${failure.split('\n')[0]}. ${told}\n`
  const [last] = tables.slice(-1)
  return tables.map((table) => `${markdownOf(table)}${table === last ? `\n${told}\n` : ''}`).join('\n')
}

/** As prettier wants it, so that the page is as the lint wants it. */
export async function tidy(markdown: string): Promise<string> {
  const options = await resolveConfig(join(root, 'docs/performance.md'))
  return await format(markdown, { ...options, parser: 'markdown' })
}

export const performancePage = async (machine: string, sections: readonly Section[]): Promise<string> =>
  await tidy([intro(machine), ...sections.map(sectionText)].join('\n'))
