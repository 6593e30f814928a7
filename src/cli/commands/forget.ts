import { defineCommand, usageError } from '../command.ts'
import { ControlTier, controlTierOptionDocs } from '../control-tier.ts'

export const forget = defineCommand({
  summary: 'Forget a pod, by the KEY of "kontrol pods", until its next keepalive',
  usage: '<key> [--url <url>]',
  takes: 1,
  options: { url: { type: 'string' } },
  optionDocs: { url: controlTierOptionDocs.url },
  async run({ values, positionals: [key] }, { env, stdout }) {
    if (key === undefined) throw usageError('forget takes the key of a pod', 'Usage: kontrol forget <key>')
    await new ControlTier(values.url, env).text('DELETE', `/api/v1/pods/${encodeURIComponent(key)}`)
    stdout(`Forgotten: ${key}`)
  }
})
