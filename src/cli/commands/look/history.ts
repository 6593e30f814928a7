import { table } from '../../table.ts'
import { defineView } from '../../watched.ts'

interface Round {
  id: number
  startedAt: string
  cause: string
  plan: string | null
  outcome: string
  phases: Record<string, number>
  error: { message: string } | null
}

export const history = defineView<{ reconfigurations: Round[] }>({
  summary: 'List the last reconfigurations, newest last',
  path: '/api/v1/reconfigurations',
  lines: ({ reconfigurations }, columns) => [
    table(['ID', 'STARTED', 'PLAN', 'OUTCOME', 'MS', 'CAUSE'], reconfigurations.map(rowOf), columns)
  ]
})

function rowOf({ id, startedAt, plan, outcome, phases, cause, error }: Round): string[] {
  const times = Object.entries(phases).map(([phase, ms]) => `${phase} ${ms.toFixed(1)}`)
  const why = error === null ? cause : `${cause}: ${error.message.split('\n', 1)[0] ?? ''}`
  return [String(id), startedAt, plan ?? '-', outcome, times.join(', '), why]
}
