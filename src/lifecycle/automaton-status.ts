import type { Problem } from '../errors.ts'
import type { Manifest } from './manifest.ts'
import type { ReachableStates } from './reachable-states.ts'
import { shorten, type StepEntry, type StepLog } from './step-log.ts'
import { textOf } from './step-runner.ts'
import type { TransitionQueue } from './transition-queue.ts'

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
  lastError: (Problem & { at: string; state: string }) | null
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

interface StatusSources {
  manifest: Manifest
  reach: ReachableStates
  log: StepLog
  queue: TransitionQueue
  current: { readonly name: string; readonly since: number; readonly running: boolean }
}

export function statusOf({ manifest, reach, log, queue, current }: StatusSources): AutomatonStatus {
  const { lastError } = log
  return {
    state: current.name,
    since: iso(current.since),
    running: current.running,
    queue: queue
      .list()
      .map(({ tag, input, queuedAt }) => ({ tag, input: shorten(textOf(input)), queuedAt: iso(queuedAt) })),
    lastError: lastError === undefined ? null : { ...lastError.problem, at: iso(lastError.at), state: lastError.state },
    states: manifest.states.map(({ tag, shell, action, force = false, on = {} }) => ({
      tag,
      kind: shell !== undefined ? 'shell' : action !== undefined ? 'action' : 'none',
      force,
      terminal: tag === manifest.terminal,
      on,
      next: reach.allowedAt(tag)
    })),
    history: log.entries().map((entry) => ({ ...entry, startedAt: iso(entry.startedAt) }))
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()
