import { KontrolError, type Problem } from '../../../errors.ts'
import { counted } from '../../../model/words/figures.ts'
import { defineCommand, usageError } from '../../command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from '../../control-tier.ts'
import { shownTime, timeWithAge } from '../../output/shown-time.ts'
import { table, type Column } from '../../output/table.ts'
import { showWatched, watchOption, watchOptionDoc } from '../../watched.ts'
import { fields } from '../../output/wrapped.ts'

interface Round {
  id: number
  startedAt: string
  cause: string
  plan: string | null
  operations: number
  reasons: string[]
  outcome: string
  phases: Record<string, number>
  error: Problem | null
  diff: string
}

const HEADING: readonly Column[] = ['ID', 'STARTED', 'PLAN', 'OUTCOME', 'TOOK MS', { name: 'CAUSE', cut: 'end' }]

export const history = defineCommand({
  summary: 'List the last reconfigurations, newest last, or tell all of one',
  usage: '[<id>] [--url <url>] [--watch] [--json]',
  takes: 1,
  options: { ...controlTierOptions, ...watchOption },
  optionDocs: { ...controlTierOptionDocs, ...watchOptionDoc },
  async run({ values, positionals: [id] }, context) {
    if (id !== undefined && !/^\d+$/.test(id)) {
      throw usageError(`"${id}" is no number of a reconfiguration`, '"kontrol history" lists them.')
    }
    const tier = new ControlTier(values.url, context)
    await showWatched({ ...values, keepsEnd: id === undefined }, context, async () => {
      const { reconfigurations } = await tier.get<{ reconfigurations: Round[] }>('/api/v1/reconfigurations')
      if (id !== undefined) {
        const round = found(reconfigurations, Number(id))
        return values.json ? [JSON.stringify(round)] : allOf(round, context.columns())
      }
      if (values.json) return [JSON.stringify({ reconfigurations })]
      if (reconfigurations.length === 0) return ['There was no reconfiguration yet.']
      return [table(HEADING, reconfigurations.map(rowOf), context.columns())]
    })
  }
})

/** @throws KontrolError KTL_NOT_FOUND for one that is not remembered */
function found(rounds: readonly Round[], id: number): Round {
  const round = rounds.find((one) => one.id === id)
  if (round !== undefined) return round
  throw new KontrolError('KTL_NOT_FOUND', `There is no reconfiguration ${id}`, {
    hint: 'The last hundred are remembered: "kontrol history" lists them.'
  })
}

const totalMs = ({ phases }: Round): number => Object.values(phases).reduce((sum, ms) => sum + ms, 0)

function rowOf(round: Round): string[] {
  const { id, startedAt, plan, outcome, cause, error } = round
  const why = error === null ? cause : `${cause}: ${error.message.split('\n', 1)[0] ?? ''}`
  return [String(id), shownTime(startedAt), plan ?? '-', outcome, String(Math.round(totalMs(round))), why]
}

function allOf(round: Round, columns: number | undefined): string[] {
  const { id, startedAt, cause, plan, operations, reasons, outcome, error, diff } = round
  const phases = Object.entries(round.phases).map(([phase, ms]) => `${phase} ${ms.toFixed(1)}`)
  const rows: [string, string][] = [
    ['id', String(id)],
    ['started', timeWithAge(startedAt)],
    ['cause', cause],
    ['outcome', outcome]
  ]
  if (plan !== null) rows.push(['plan', plan === 'runtime' ? `runtime, ${counted(operations, 'operation')}` : plan])
  if (reasons.length > 0) rows.push(['because', reasons.join('\n')])
  rows.push(['took', `${totalMs(round).toFixed(1)} ms${phases.length > 0 ? `: ${phases.join(', ')}` : ''}`])
  if (error !== null) rows.push(['error', `${error.code}: ${error.message}`])
  if (error?.hint !== undefined) rows.push(['hint', error.hint])
  return [fields(rows, columns), ...(diff === '' ? [] : ['', diff])]
}
