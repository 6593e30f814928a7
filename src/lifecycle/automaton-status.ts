import type { StepEntry, StepError } from './step-log.ts'

/** A state was entered (`running`), or its step has ended (with `outcome` and `ms`). */
export interface StateChange {
  type: 'state'
  state: string
  /** Milliseconds since the epoch. */
  at: number
  running: boolean
  outcome?: string
  ms?: number
}

/** What GET /api/v1/lifecycle shows; times are ISO 8601. */
export interface AutomatonStatus {
  state: string
  /** When the state was entered. */
  since: string
  /** Whether its step is still at work. */
  running: boolean
  queue: { tag: string; input: string; queuedAt: string }[]
  lastError: (StepError & { at: string; state: string }) | null
  states: {
    tag: string
    kind: 'shell' | 'action' | 'none'
    force: boolean
    terminal: boolean
    on: Readonly<Record<string, string>>
    /** The states that may be asked for from this one. */
    next: readonly string[]
  }[]
  /** The last hundred steps, oldest first; inputs are cut. */
  history: (Omit<StepEntry, 'startedAt'> & { startedAt: string })[]
}

export const iso = (ms: number): string => new Date(ms).toISOString()
