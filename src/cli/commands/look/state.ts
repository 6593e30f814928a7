import { timeWithAge } from '../../output/shown-time.ts'
import { defineView } from '../../watched.ts'
import { fields } from '../../output/wrapped.ts'

interface LifecycleBody {
  state: string
  since: string
  running?: boolean
  queue: { tag: string }[]
  lastError: { code: string; message: string; hint?: string | null; at?: string; state?: string } | null
}

export const state = defineView<LifecycleBody>({
  summary: 'Show where the automaton stands, and its last error',
  path: '/api/v1/lifecycle',
  lines: ({ state: tag, since, running, queue, lastError }, columns) => {
    const rows: [string, string][] = [
      ['state', `${tag}${running === true ? ', at work' : ''} since ${timeWithAge(since)}`],
      ['queued', queue.length === 0 ? 'nothing' : queue.map((waiting) => waiting.tag).join(', ')]
    ]
    if (lastError !== null) {
      const { code, message, hint, at, state: where } = lastError
      rows.push(['last error', `${code}: ${message}`])
      if (hint) rows.push(['hint', hint])
      if (at !== undefined) rows.push(['failed', `${where ?? 'it'} at ${timeWithAge(at)}`])
    }
    return [fields(rows, columns)]
  }
})
