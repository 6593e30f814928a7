import { eventText } from '../../../model/words/events.ts'
import { defineCommand } from '../../command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from '../../control-tier.ts'
import { visibleJson, visibleLine } from '../../output/visible.ts'
import { wrapped } from '../../output/wrapped.ts'

/** A control tier sends a sign of life each 15 seconds. */
const SILENCE_MS = 45_000
/** Of "pods-released". */
const LONGEST_TYPE = 13

export const events = defineCommand({
  summary: 'Follow pods, changes, states, DNS and alarms, until Ctrl-C',
  usage: '[--all] [--url <url>] [--json]',
  options: { ...controlTierOptions, all: { type: 'boolean', default: false } },
  optionDocs: { ...controlTierOptionDocs, all: 'Begin with what is remembered: the last 1,000' },
  async run({ values }, context) {
    const { stdout, stderr, columns } = context
    const tier = new ControlTier(values.url, context, { timeoutMs: SILENCE_MS })
    const listening = (): void => stderr(`Listening to ${tier.base}, until Ctrl-C.`)
    for await (const { type, data } of tier.events({ listening, afterId: values.all ? ALL_REMEMBERED : undefined })) {
      if (values.json) stdout(`{"type":${JSON.stringify(type)},"data":${visibleJson(data)}}`)
      else {
        const line = lineOf(type, data)
        if (line !== undefined) stdout(wrapped(line, columns(), HANGING))
      }
    }
  }
})

const ALL_REMEMBERED = '0'
const HANGING = '2026-11-29T09:08:12.623Z'.length + LONGEST_TYPE + 4

/** One line for a person; undefined for a state that is entered, which would only drown the rest: its end is told. */
function lineOf(type: string, data: string): string | undefined {
  const event = JSON.parse(data) as { at: string }
  const text = eventText(type, event) ?? (type === 'state' ? undefined : data)
  return text === undefined ? undefined : visibleLine(`${event.at}  ${type.padEnd(LONGEST_TYPE)}  ${text}`)
}
