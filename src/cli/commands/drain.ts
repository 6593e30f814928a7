import { defineCommand } from '../command.ts'
import { ControlTier, controlTierOptionDocs } from '../control-tier.ts'

/** The longest record TTL that anybody would wait for, and a drain after it. */
const LONGEST_MS = 15 * 60_000

export const drain = defineCommand({
  summary: 'Leave the masters and the DNS record, wait until it is forgotten, then stop HAProxy',
  usage: '[--url <url>]',
  options: { url: { type: 'string' } },
  optionDocs: { url: controlTierOptionDocs.url },
  async run({ values }, { env, stdout }) {
    const tier = new ControlTier(values.url, env, LONGEST_MS)
    await tier.text('POST', '/api/v1/lifecycle/transitions', { state: 'shutdown', wait: true })
    stdout('Drained: HAProxy has stopped.')
  }
})
