import { eventually } from '../eventually.ts'
import type { ControlTier } from './control-tier.ts'

/** A reload of a large fleet on a busy machine takes its time. */
const PATIENCE_MS = 60_000

export interface Ended {
  id: number
  /** ISO 8601. */
  startedAt: string
  plan: string | null
  outcome: string
  phases: { render?: number; configure?: number; restart?: number }
}

/** The last one, once it has ended, which is a moment after the change is live. */
export async function lastReconfiguration(tier: ControlTier): Promise<Ended> {
  return await eventually(async () => {
    const answer = JSON.parse(await tier.get('/api/v1/reconfigurations')) as { reconfigurations: Ended[] }
    const last = answer.reconfigurations.at(-1)
    return last?.outcome === 'running' ? undefined : last
  }, PATIENCE_MS)
}
