import { stringifyStrictJson } from '../../../model/json/json.ts'
import { defineCommand, usageError } from '../../command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from '../../control-tier.ts'
import { shownAge } from '../../output/shown-time.ts'
import { table, type Column } from '../../output/table.ts'
import { showWatched, watchOption, watchOptionDoc } from '../../watched.ts'

interface PodRow {
  seq: number
  app: string
  role: string
  ip: string
  id: string
  key: string
  lastSeen: string
  held: boolean
}

const HEADING: readonly Column[] = [
  ...['SEQ', { name: 'APP', cut: 'middle' } as const, { name: 'ROLE', cut: 'end' } as const, 'IP'],
  ...[{ name: 'ID', cut: 'middle' } as const, 'KEY', 'SEEN', 'STATUS']
]

export const pods = defineCommand({
  summary: 'List the pods that the master knows, in sequence order',
  usage: '[<app>] [--app <app>] [--url <url>] [--watch] [--json]',
  takes: 1,
  options: { app: { type: 'string' }, ...controlTierOptions, ...watchOption },
  optionDocs: { app: 'Only the pods of this app', ...controlTierOptionDocs, ...watchOptionDoc },
  async run({ values, positionals: [named] }, context) {
    if (named !== undefined && values.app !== undefined)
      throw usageError('pods takes one app', 'Usage: kontrol pods [<app>]')
    const app = named ?? values.app
    const tier = new ControlTier(values.url, context)
    const query = app === undefined ? '' : `?app=${encodeURIComponent(app)}`
    await showWatched(values, context, async () => {
      const { pods: list } = await tier.get<{ pods: PodRow[] }>(`/api/v1/pods${query}`)
      if (values.json) return [stringifyStrictJson(list)]
      if (list.length === 0) return [app === undefined ? 'No pod is known.' : `No pod of ${app} is known.`]
      return [table(HEADING, list.map(rowOf), context.columns())]
    })
  }
})

const rowOf = ({ seq, app, role, ip, id, key, lastSeen, held }: PodRow): string[] => [
  ...[String(seq), app, role, ip, id, key],
  ...[shownAge(lastSeen), held ? 'held' : 'live']
]
