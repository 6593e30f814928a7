import { problemOf, type KontrolError, type Problem } from '../errors.ts'
import { isoTime } from '../model/iso-time.ts'
import type { ReachableStates } from './manifest/reachable-states.ts'
import type { Manifest } from './manifest/manifest.ts'
import { textOf } from './step-runner.ts'
import type { TransitionQueue } from './transition-queue.ts'

export interface StepEntry {
  /** Counts up from 1 since the start. */
  id: number
  tag: string
  /** Its first 200 characters. */
  input: string
  /** Milliseconds since the epoch. */
  startedAt: number
  ms: number
  outcome: string
  error?: Problem
}

interface LastError {
  problem: Problem
  /** Milliseconds since the epoch. */
  at: number
  state: string
}

export interface EndedStep {
  tag: string
  input: string
  startedAt: number
  endedAt: number
  outcome: string
  error?: KontrolError
}

const MAX_ENTRIES = 100
const MAX_INPUT_LENGTH = 200

/**
 * What the steps of a machine came to.
 *
 * The last error stands until it is healed: by the failed state itself ending
 * well, or by a clean run (no step failed or killed) that began in a state
 * from which `on` leads to the failed one. So a repaired template heals a
 * failed `render` at once, and a run that ends in `configure` with nothing
 * to do heals a failed `restart`, but an update of the DNS heals neither.
 */
export class StepLog {
  readonly #reach: ReachableStates
  readonly #entries: StepEntry[] = []
  #lastError: LastError | undefined
  #nextId = 1
  #run = { start: '', clean: true }

  constructor(reach: ReachableStates) {
    this.#reach = reach
  }

  get lastError(): LastError | undefined {
    return this.#lastError
  }

  /** The last hundred, oldest first. */
  entries(): StepEntry[] {
    return [...this.#entries]
  }

  runStarted(tag: string): void {
    this.#run = { start: tag, clean: true }
  }

  stepEnded({ tag, input, startedAt, endedAt, outcome, error }: EndedStep): void {
    const entry: StepEntry = {
      id: this.#nextId++,
      tag,
      input: shorten(input),
      startedAt,
      ms: endedAt - startedAt,
      outcome
    }
    if (error !== undefined) entry.error = problemOf(error)
    this.#entries.push(entry)
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift()

    if (error !== undefined) this.#lastError = { problem: problemOf(error), at: endedAt, state: tag }
    if (error !== undefined || outcome === 'killed') this.#run.clean = false
    else if (this.#lastError?.state === tag) this.#lastError = undefined
  }

  runEnded(): void {
    const { start, clean } = this.#run
    if (clean && this.#lastError !== undefined && this.#reach.byItself(start).has(this.#lastError.state)) {
      this.#lastError = undefined
    }
  }
}

/** For lists: inputs may be megabytes. */
export const shorten = (input: string): string =>
  input.length > MAX_INPUT_LENGTH ? `${input.slice(0, MAX_INPUT_LENGTH)}…` : input

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
    since: isoTime(current.since),
    running: current.running,
    queue: queue
      .list()
      .map(({ tag, input, queuedAt }) => ({ tag, input: shorten(textOf(input)), queuedAt: isoTime(queuedAt) })),
    lastError:
      lastError === undefined ? null : { ...lastError.problem, at: isoTime(lastError.at), state: lastError.state },
    states: manifest.states.map(({ tag, shell, action, force = false, on = {} }) => ({
      tag,
      kind: shell !== undefined ? 'shell' : action !== undefined ? 'action' : 'none',
      force,
      terminal: tag === manifest.terminal,
      on,
      next: reach.allowedAt(tag)
    })),
    history: log.entries().map((entry) => ({ ...entry, startedAt: isoTime(entry.startedAt) }))
  }
}
