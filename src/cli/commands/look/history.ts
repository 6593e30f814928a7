import { KontrolError, type Problem } from '../../../errors.ts'
import { defineCommand, usageError } from '../../command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from '../../control-tier.ts'
import { table } from '../../table.ts'
import { showWatched, watchOption, watchOptionDoc } from '../../watched.ts'

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
    const tier = new ControlTier(values.url, context.env)
    await showWatched(values, context, async () => {
      const { reconfigurations } = await tier.get<{ reconfigurations: Round[] }>('/api/v1/reconfigurations')
      if (id !== undefined) {
        const round = found(reconfigurations, Number(id))
        return values.json ? [JSON.stringify(round)] : allOf(round)
      }
      if (values.json) return [JSON.stringify({ reconfigurations })]
      const heading = ['ID', 'STARTED', 'PLAN', 'OUTCOME', 'MS', 'CAUSE']
      return [table(heading, reconfigurations.map(rowOf), context.columns())]
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

const times = ({ phases }: Round): string =>
  Object.entries(phases)
    .map(([phase, ms]) => `${phase} ${ms.toFixed(1)}`)
    .join(', ')

function rowOf(round: Round): string[] {
  const { id, startedAt, plan, outcome, cause, error } = round
  const why = error === null ? cause : `${cause}: ${error.message.split('\n', 1)[0] ?? ''}`
  return [String(id), startedAt, plan ?? '-', outcome, times(round), why]
}

function allOf(round: Round): string[] {
  const { id, startedAt, cause, plan, operations, reasons, outcome, error, diff } = round
  const row = (name: string, value: string): string => `${name.padEnd(12)}${value}`
  return [
    row('id', String(id)),
    row('started', startedAt),
    row('cause', cause),
    row('outcome', outcome),
    ...(plan === null
      ? []
      : [row('plan', plan === 'runtime' ? `runtime, ${operations} operation${operations === 1 ? '' : 's'}` : plan)]),
    ...reasons.map((reason, index) => row(index === 0 ? 'because' : '', reason)),
    row('ms', times(round)),
    ...(error === null ? [] : [row('error', `${error.code}: ${error.message}`)]),
    ...(error?.hint === undefined ? [] : [row('hint', error.hint)]),
    ...(diff === '' ? [] : ['', diff])
  ]
}
