import { problemOf } from '../errors.ts'
import type { Action } from '../lifecycle/step-runner.ts'
import type { PlanKind, Reconfiguration, ReconfigurationPhase } from '../model/reconfiguration.ts'
import type { Clock } from '../platform/clock.ts'
import { Listeners, type Unsubscribe } from '../platform/listeners.ts'
import type { Logger } from '../platform/logger.ts'

export interface ReconfigurationLogOptions {
  clock: Clock
  logger: Logger
  /** What an earlier start has seen, oldest first. */
  former?: readonly Reconfiguration[]
}

export interface Planned {
  plan: PlanKind
  operations: number
  reasons: readonly string[]
  diff: string
}

type Ending = Exclude<Reconfiguration['outcome'], 'running'>

const KEPT = 100
const SHOWN_CAUSES = 3

/** The last reconfigurations: who asked, what was done, how long it took. */
export class ReconfigurationLog {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #listeners: Listeners<Reconfiguration>
  #entries: Reconfiguration[]
  #current: Reconfiguration | undefined
  /** The first few, and how many there were: a fleet may join in one of them. */
  #causes: string[] = []
  #causeCount = 0
  /** When the first of them happened. */
  #causedAt: number | undefined
  #nextId: number
  #hasEnded = false

  constructor({ clock, logger, former = [] }: ReconfigurationLogOptions) {
    this.#entries = former.slice(-KEPT)
    this.#nextId = Math.max(0, ...this.#entries.map(({ id }) => id)) + 1
    this.#clock = clock
    this.#logger = logger
    this.#listeners = new Listeners('reconfiguration', logger)
  }

  /** Newest last. */
  entries(): readonly Reconfiguration[] {
    return this.#entries
  }

  /** Whether one has, since this start. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Tells each one when it has ended. */
  subscribe(listener: (reconfiguration: Reconfiguration) => void): Unsubscribe {
    return this.#listeners.subscribe(listener)
  }

  /** Remembers what happened, for the reconfiguration that will answer it. */
  noteCause(cause: string, place: 'first' | 'last' = 'last'): void {
    this.#causeCount++
    this.#causedAt ??= this.#clock.now()
    if (place === 'first') this.#causes = [cause, ...this.#causes].slice(0, SHOWN_CAUSES)
    else if (this.#causes.length < SHOWN_CAUSES) this.#causes.push(cause)
  }

  /** Begins one. A former one that no step has ended is told as unchanged: a newer one overtook it, or a step of the operator's own failed. */
  begin(fallbackCause: string): void {
    if (this.#current !== undefined) this.#end('unchanged')
    const startedAt = this.#clock.now()
    const causedAt = this.#causedAt ?? startedAt
    const cause = this.#takeCauses() ?? fallbackCause
    this.#current = {
      id: this.#nextId++,
      ...{ cause, causedAt, startedAt },
      plan: null,
      operations: 0,
      reasons: [],
      phases: {},
      outcome: 'running',
      error: null,
      diff: ''
    }
    this.#entries = [...this.#entries.slice(1 - KEPT), this.#current]
  }

  /** Runs a phase, keeps its time, and ends the reconfiguration when it fails. */
  async measure<T>(phase: ReconfigurationPhase, work: () => T | Promise<T>): Promise<T> {
    if (this.#current === undefined) this.begin(`asked to ${phase}`)
    const startedAt = performance.now()
    try {
      const result = await work()
      this.#measured(phase, startedAt)
      return result
    } catch (error) {
      this.#measured(phase, startedAt)
      this.#end('failed', error)
      throw error
    }
  }

  /** A step whose failure is told here, so that the automaton need not tell it once more. */
  tell(step: Action): Action {
    return async (context) => {
      try {
        return await step(context)
      } catch (error) {
        this.#end('failed', error)
        if (context.signal.aborted) throw error
        return { outcome: 'failed', error }
      }
    }
  }

  planned({ plan, operations, reasons, diff }: Planned): void {
    if (this.#current !== undefined) Object.assign(this.#current, { plan, operations, reasons, diff })
  }

  end(outcome: Ending): void {
    this.#end(outcome)
  }

  #takeCauses(): string | undefined {
    const [causes, count] = [this.#causes, this.#causeCount]
    this.#causes = []
    this.#causeCount = 0
    this.#causedAt = undefined
    if (count === 0) return undefined
    const more = count - causes.length
    return more > 0 ? `${causes.join(', ')} and ${more} more` : causes.join(', ')
  }

  #measured(phase: ReconfigurationPhase, startedAt: number): void {
    const ms = Math.round((performance.now() - startedAt) * 100) / 100
    if (this.#current !== undefined) this.#current.phases[phase] = ms
  }

  #end(outcome: Ending, error?: unknown): void {
    const current = this.#current
    if (current === undefined) return
    this.#current = undefined
    this.#hasEnded = true
    current.outcome = outcome
    if (error !== undefined) current.error = problemOf(error)
    const { id, cause, plan, operations, reasons, phases } = current
    const line = { id, cause, plan, operations, ...(reasons.length > 0 && { reasons }), ...phases, outcome }
    if (outcome === 'failed') this.#logger.error({ ...line, ...current.error }, 'reconfiguration failed')
    else this.#logger.info(line, 'reconfigured')
    this.#listeners.emit(current)
  }
}
