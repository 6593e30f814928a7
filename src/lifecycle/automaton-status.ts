import type { LastError, StepEntry } from './step-log.ts'

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

export interface AutomatonStatus {
  state: string
  /** When the state was entered, in milliseconds since the epoch. */
  since: number
  /** Whether its step is still at work. */
  running: boolean
  queue: { tag: string; input: string; queuedAt: number }[]
  lastError: LastError | null
  states: {
    tag: string
    kind: 'shell' | 'action' | 'none'
    force: boolean
    terminal: boolean
    on: Readonly<Record<string, string>>
    /** The states that may be asked for from this one. */
    next: readonly string[]
  }[]
  /** The last hundred steps, oldest first. */
  history: StepEntry[]
}
