import { stringifyStrictJson } from '../../model/json.ts'
import { defineCommand } from '../command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from '../control-tier.ts'
import { table } from '../table.ts'
import { showWatched, watchOption, watchOptionDoc } from '../watched.ts'

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

export const pods = defineCommand({
  summary: 'List the pods that the master knows, in sequence order',
  usage: '[--app <app>] [--url <url>] [--watch] [--json]',
  options: { app: { type: 'string' }, ...controlTierOptions, ...watchOption },
  optionDocs: { app: 'Only the pods of this app', ...controlTierOptionDocs, ...watchOptionDoc },
  async run({ values }, { env, stdout, signal }) {
    const tier = new ControlTier(values.url, env)
    const query = values.app === undefined ? '' : `?app=${encodeURIComponent(values.app)}`
    await showWatched(values.watch, signal, async () => {
      const { pods: list } = await tier.get<{ pods: PodRow[] }>(`/api/v1/pods${query}`)
      if (values.json) return stdout(stringifyStrictJson(list))
      const rows = list.map(({ seq, app, role, ip, id, key, lastSeen, held }) => {
        return [String(seq), app, role, ip, id, key, `${secondsSince(lastSeen)} s ago`, held ? 'held' : 'live']
      })
      stdout(table(['SEQ', 'APP', 'ROLE', 'IP', 'ID', 'KEY', 'LAST SEEN', 'STATUS'], rows))
    })
  }
})

const secondsSince = (time: string): string => ((Date.now() - Date.parse(time)) / 1000).toFixed(1)
