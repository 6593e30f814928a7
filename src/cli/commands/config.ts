import { childEnvironment } from '../../bootstrap/child-environment.ts'
import { envTable } from '../../environment.ts'
import { loadConfig, type Config } from '../../config.ts'
import { discoverMetadata } from '../../kubernetes/discover-metadata.ts'
import { defineCommand } from '../command.ts'
import { table } from '../table.ts'

export const config = defineCommand({
  summary: 'Show every variable, its value and where it came from',
  usage: '[--json | --export]',
  options: { json: { type: 'boolean', default: false }, export: { type: 'boolean', default: false } },
  optionDocs: {
    json: 'Print JSON',
    export: 'Ask Kubernetes, and print lines for a shell that set what every program of the pod shall see'
  },
  async run({ values }, { env, stdout, signal }) {
    if (values.export) return stdout(await exportLines(env, signal))
    const { config: loaded, origins } = loadConfig(env)
    const rows = Object.entries(envTable).map(([key, { name, secret, doc }]) => ({
      name,
      value: shown(loaded[key as keyof Config], secret === true),
      origin: origins[key as keyof typeof envTable],
      doc
    }))
    if (values.json) return stdout(JSON.stringify(rows))
    stdout(
      table(
        ['VARIABLE', 'VALUE', 'FROM', 'MEANING'],
        rows.map(({ name, value, origin, doc }) => [name, value, origin, doc])
      )
    )
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

function shown(value: unknown, secret: boolean): string {
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
  if (secret) return text === '[]' ? '' : '(set)'
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
