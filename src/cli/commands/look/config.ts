import { childEnvironment } from '../../../bootstrap/child-environment.ts'
import { envTable } from '../../../environment.ts'
import { invalidEnvironment, loadConfig, readConfig, shownRaw, type Config } from '../../../config.ts'
import { discoverMetadata } from '../../../kubernetes/discover-metadata.ts'
import { defineCommand } from '../../command.ts'
import { table, type Column } from '../../output/table.ts'
import { visibleJson } from '../../output/visible.ts'

const HEADING: readonly Column[] = ['', 'VARIABLE', { name: 'VALUE', cut: 'middle' }, 'FROM']
const MEANING: Column = { name: 'MEANING', cut: 'end' }
/** Columns of a terminal from which on there is room for what a variable means. */
const ROOMY = 120

export const config = defineCommand({
  summary: 'Show every variable, its value, its origin, and what is wrong',
  usage: '[--json | --export]',
  options: { json: { type: 'boolean', default: false }, export: { type: 'boolean', default: false } },
  optionDocs: {
    json: 'Print JSON',
    export: 'Ask Kubernetes, and print lines for a shell that set what every program of the pod shall see'
  },
  async run({ values }, { env, stdout, signal, columns }) {
    if (values.export) return stdout(await exportLines(env, signal))
    const { config: loaded, origins, problems } = readConfig(env)
    const rows = Object.entries(envTable).map(([key, variable]) => {
      const { name, doc } = variable
      const found = problems.filter((problem) => new RegExp(`\\b${name}\\b`).test(problem))
      const value =
        found.length > 0 ? shownRaw(variable, env[name] ?? '') : shown(loaded[key as keyof Config], variable)
      return { name, value, origin: origins[key as keyof typeof envTable], doc, problems: found }
    })
    if (values.json) stdout(visibleJson(JSON.stringify(rows)))
    else {
      const width = columns()
      const isRoomy = width === undefined || width >= ROOMY
      const marked = rows.map(({ name, value, origin, doc, problems: found }) => [
        ...[found.length > 0 ? '!' : '', name, value, origin],
        ...(isRoomy ? [found.length > 0 ? found.join('; ') : doc] : [])
      ])
      stdout(table(isRoomy ? [...HEADING, MEANING] : HEADING, marked, width))
      if (!isRoomy) stdout(`What they mean stands here in a terminal of ${ROOMY} columns, and in "man kontrol".`)
    }
    if (problems.length > 0) throw invalidEnvironment(problems, 'Correct what is marked with "!".')
  }
})

/** What the boot script of Kontrol's images did before it started their supervisord. */
async function exportLines(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string> {
  const { variables } = await discoverMetadata(env, signal, process.stderr)
  const children = childEnvironment(env, variables, loadConfig(env, variables).config)
  return Object.entries(children)
    .filter(([name, value]) => value !== undefined && value !== env[name])
    .map(([name, value]) => `export ${name}='${(value ?? '').replaceAll("'", String.raw`'\''`)}'`)
    .join('\n')
}

const MAX_SHOWN = 60

function shown(value: unknown, { secret }: { secret?: true }): string {
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
  if (secret === true) return text === '[]' || text === '' ? '' : '(set)'
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
