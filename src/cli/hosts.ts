import { defineCommand } from './command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from './control-tier.ts'
import { showWatched, watchOption, watchOptionDoc } from './watched.ts'

export const hosts = defineCommand({
  summary: 'Show the addresses by app, as templates see them',
  usage: '[--url <url>] [--watch] [--json]',
  options: { ...controlTierOptions, ...watchOption },
  optionDocs: { ...controlTierOptionDocs, ...watchOptionDoc },
  async run({ values }, { env, stdout, signal }) {
    const tier = new ControlTier(values.url, env)
    await showWatched(values.watch, signal, async () => {
      const answer = await tier.get<{ digest: string; hosts: Record<string, string[]> }>('/api/v1/hosts')
      if (values.json) return stdout(JSON.stringify(answer))
      stdout(`digest ${answer.digest}`)
      for (const [app, ips] of Object.entries(answer.hosts)) stdout(`${app}: ${ips.join(' ')}`)
    })
  }
})
