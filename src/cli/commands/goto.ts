import { failureOf, transition, type Ending } from '../transition.ts'
import { defineCommand, usageError } from '../command.ts'
import { controlTierOptionDocs, controlTierOptions } from '../control-tier.ts'
import { visibleJson, visibleLine } from '../output/visible.ts'

export const goto = defineCommand({
  summary: 'Move the automaton to a state and wait until it is at rest',
  usage: '<tag> [input] [--no-wait] [--url <url>] [--json]',
  takes: 2,
  options: { ...controlTierOptions, 'no-wait': { type: 'boolean', default: false } },
  optionDocs: { ...controlTierOptionDocs, 'no-wait': 'Return once the transition has started' },
  async run({ values, positionals: [tag, input = ''] }, context) {
    if (tag === undefined) throw usageError('goto takes a tag', 'Usage: kontrol goto <tag> [input]')
    const ending = await transition(values.url, context, { state: tag, input, wait: !values['no-wait'] })
    context.stdout(values.json ? visibleJson(JSON.stringify(ending)) : visibleLine(told(tag, ending)))
    if (ending.error !== undefined) throw failureOf(ending.error)
  }
})

function told(tag: string, { state, outcome }: Ending): string {
  if (outcome === undefined) return `${state} has begun: "kontrol state" shows where it is`
  return `${tag}: ${outcome}, at rest in ${state}`
}
