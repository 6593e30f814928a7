import { transition } from '../transition.ts'
import { defineCommand } from '../command.ts'
import { controlTierOptionDocs, controlTierOptions } from '../control-tier.ts'
import { visibleJson } from '../output/visible.ts'

export const drain = defineCommand({
  summary: 'Leave the masters and DNS, wait until forgotten, then stop HAProxy',
  usage: '[--url <url>] [--json]',
  options: controlTierOptions,
  optionDocs: controlTierOptionDocs,
  async run({ values }, context) {
    const ending = await transition(values.url, context, { state: 'shutdown', wait: true })
    context.stdout(values.json ? visibleJson(JSON.stringify(ending)) : 'Drained: HAProxy has stopped.')
  }
})
