import { defineView } from '../../watched.ts'

interface LifecycleBody {
  state: string
  since: string
  queue: unknown[]
  lastError: { code: string; message: string; hint?: string | null } | null
}

export const state = defineView<LifecycleBody>({
  summary: 'Show where the automaton stands, and its last error',
  path: '/api/v1/lifecycle',
  lines: ({ state: tag, since, queue, lastError }) => [
    `${tag} since ${since}, ${queue.length} queued`,
    ...(lastError === null ? [] : [`last error ${lastError.code}: ${lastError.message}`]),
    ...(lastError?.hint ? [`hint: ${lastError.hint}`] : [])
  ]
})
