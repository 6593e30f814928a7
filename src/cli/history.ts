import { defineCommand } from './command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from './control-tier.ts'
import { table } from './table.ts'
import { showWatched, watchOption, watchOptionDoc } from './watched.ts'

interface HistoryRow {
  id: number
  startedAt: string
  cause: string
  plan: string | null
  outcome: string
  phases: Record<string, number>
  error: { message: string } | null
}

export const history = defineCommand({
  summary: 'List the last reconfigurations, newest last',
  usage: '[--url <url>] [--watch] [--json]',
  options: { ...controlTierOptions, ...watchOption },
  optionDocs: { ...controlTierOptionDocs, ...watchOptionDoc },
  async run({ values }, { env, stdout, signal }) {
    const tier = new ControlTier(values.url, env)
    await showWatched(values.watch, signal, async () => {
      const { reconfigurations } = await tier.get<{ reconfigurations: HistoryRow[] }>('/api/v1/reconfigurations')
      if (values.json) return stdout(JSON.stringify(reconfigurations))
      const rows = reconfigurations.map(({ id, startedAt, plan, outcome, phases, cause, error }) => [
        String(id),
        startedAt,
        plan ?? '-',
        outcome,
        Object.entries(phases)
          .map(([phase, ms]) => `${phase} ${ms.toFixed(1)}`)
          .join(', '),
        error === null ? cause : `${cause}: ${error.message.split('\n', 1)[0] ?? ''}`
      ])
      stdout(table(['ID', 'STARTED', 'PLAN', 'OUTCOME', 'MS', 'CAUSE'], rows))
    })
  }
})
