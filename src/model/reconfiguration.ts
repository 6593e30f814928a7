import type { Problem } from '../errors.ts'

/** How a change reaches HAProxy. */
export type PlanKind = 'none' | 'runtime' | 'reload'

export type ReconfigurationPhase = 'render' | 'configure' | 'restart'

/** One reconfiguration, from what caused it to how it ended. */
export interface Reconfiguration {
  id: number
  /** What happened, in words: "pod-up web 10.0.0.1". */
  cause: string
  /** When the first of its causes happened, milliseconds since the epoch. */
  causedAt: number
  /** Milliseconds since the epoch. */
  startedAt: number
  /** Null while it is not known, and when it failed before. */
  plan: PlanKind | null
  /** Runtime operations carried out. */
  operations: number
  /** Why a reload was needed, one sentence each. */
  reasons: readonly string[]
  /** Milliseconds each phase took, of those that ran. */
  phases: Partial<Record<ReconfigurationPhase, number>>
  outcome: 'running' | 'unchanged' | 'applied' | 'reloaded' | 'failed'
  error: Problem | null
  /** Unified diff of the configuration, shortened when it is long. */
  diff: string
}
