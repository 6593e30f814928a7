import { failureOf, transition } from '../transition.ts'
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
    if (values.json) context.stdout(visibleJson(JSON.stringify(ending)))
    else if (ending.error === undefined) context.stdout('Drained: HAProxy has stopped.')
    if (ending.error !== undefined) throw failureOf(ending.error)
  }
})
