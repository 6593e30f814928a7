import { catalogue, KontrolError, type Problem } from '../../errors.ts'
import { parseJson } from '../../model/json.ts'
import { defineCommand, usageError } from '../command.ts'
import { ControlTier, controlTierOptionDocs } from '../control-tier.ts'
import { visibleJson } from '../visible.ts'

/** `shutdown` waits for the TTL of a DNS record, and for HAProxy to drain. */
const LONGEST_MS = 15 * 60_000

export const goto = defineCommand({
  summary: 'Move the automaton to a state and wait until it is at rest',
  usage: '<tag> [input] [--no-wait] [--url <url>]',
  takes: 2,
  options: { url: { type: 'string' }, 'no-wait': { type: 'boolean', default: false } },
  optionDocs: { url: controlTierOptionDocs.url, 'no-wait': 'Return once the transition has started' },
  async run({ values, positionals }, { env, stdout }) {
    const [tag, input = '', ...rest] = positionals
    if (tag === undefined || rest.length > 0)
      throw usageError('goto takes a tag and at most one input', 'Usage: kontrol goto <tag> [input]')
    const tier = new ControlTier(values.url, env, LONGEST_MS)
    const answer = await tier.text('POST', '/api/v1/lifecycle/transitions', {
      state: tag,
      input,
      wait: !values['no-wait']
    })
    stdout(visibleJson(answer))
    const { error } = parseJson(answer) as { error?: Problem }
    if (error !== undefined) throw failure(error)
  }
})

/** A newer control tier may have codes that this command does not know. */
function failure({ code, message, hint }: Problem): KontrolError {
  const details = hint === undefined ? {} : { hint }
  return Object.hasOwn(catalogue, code)
    ? new KontrolError(code, message, details)
    : new KontrolError('KTL_STEP_FAILED', `${code}: ${message}`, details)
}
