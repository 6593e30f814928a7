import { defineCommand } from './command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from './control-tier.ts'
import { showWatched, watchOption, watchOptionDoc } from './watched.ts'

interface LifecycleBody {
  state: string
  since: string
  queue: unknown[]
  lastError: { code: string; message: string; hint?: string | null } | null
}

export const state = defineCommand({
  summary: 'Show where the automaton stands, and its last error',
  usage: '[--url <url>] [--watch] [--json]',
  options: { ...controlTierOptions, ...watchOption },
  optionDocs: { ...controlTierOptionDocs, ...watchOptionDoc },
  async run({ values }, { env, stdout, signal }) {
    const tier = new ControlTier(values.url, env)
    await showWatched(values.watch, signal, async () => {
      const lifecycle = await tier.get<LifecycleBody>('/api/v1/lifecycle')
      if (values.json) return stdout(JSON.stringify(lifecycle))
      stdout(`${lifecycle.state} since ${lifecycle.since}, ${lifecycle.queue.length} queued`)
      if (lifecycle.lastError === null) return
      stdout(`last error ${lifecycle.lastError.code}: ${lifecycle.lastError.message}`)
      if (lifecycle.lastError.hint) stdout(`hint: ${lifecycle.lastError.hint}`)
    })
  }
})
