import { defineCommand, usageError } from '../command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from '../control-tier.ts'
import { visibleJson, visibleLine } from '../output/visible.ts'

export const forget = defineCommand({
  summary: 'Forget a pod, by its KEY in "kontrol pods", until it reports again',
  usage: '<key> [--url <url>] [--json]',
  takes: 1,
  options: controlTierOptions,
  optionDocs: controlTierOptionDocs,
  async run({ values, positionals: [key] }, context) {
    if (key === undefined) throw usageError('forget takes the key of a pod', 'Usage: kontrol forget <key>')
    await new ControlTier(values.url, context).text('DELETE', `/api/v1/pods/${encodeURIComponent(key)}`)
    context.stdout(values.json ? visibleJson(JSON.stringify({ forgotten: key })) : visibleLine(`Forgotten: ${key}`))
  }
})
