import { defineCommand } from '../../command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from '../../control-tier.ts'
import { visibleJson } from '../../visible.ts'

export const events = defineCommand({
  summary: 'Follow what happens: pods, changes, states, DNS, alarms; until Ctrl-C',
  usage: '[--url <url>] [--json]',
  options: controlTierOptions,
  optionDocs: controlTierOptionDocs,
  async run({ values }, { env, stdout, signal, columns }) {
    const tier = new ControlTier(values.url, env, SILENCE_MS)
    for await (const { type, data } of tier.events(signal)) {
      const shown = visibleJson(data)
      if (values.json) stdout(`{"type":${JSON.stringify(type)},"data":${shown}}`)
      else stdout(`${(JSON.parse(data) as { at: string }).at}  ${type.padEnd(12)}  ${shown}`.slice(0, columns()))
    }
  }
})

/** A control tier sends a sign of life each 15 seconds. */
const SILENCE_MS = 45_000
