import { envTable } from '../../environment.ts'
import { loadConfig, type Config } from '../../config.ts'
import { defineCommand } from '../command.ts'
import { table } from '../table.ts'

export const config = defineCommand({
  summary: 'Show every variable, its value and where it came from',
  usage: '[--json]',
  options: { json: { type: 'boolean', default: false } },
  optionDocs: { json: 'Print JSON' },
  async run({ values }, { env, stdout }) {
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

const MAX_SHOWN = 60

function shown(value: unknown, secret: boolean): string {
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
  if (secret) return text === '[]' ? '' : '(set)'
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
