import type { Cancel, Clock } from '../platform/clock.ts'
import { Listeners, type Unsubscribe } from '../platform/listeners.ts'
import type { Logger } from '../platform/logger.ts'
import type { StepInput } from './manifest/compile-machine.ts'
import type { LifecycleState, Manifest } from './manifest/manifest.ts'
import type { StateChange, StepLog } from './step-log.ts'
import { textOf, type StepResult, type StepRunner } from './step-runner.ts'
import type { TransitionQueue } from './transition-queue.ts'

export interface CurrentStateOptions {
  manifest: Manifest
  runner: StepRunner
  log: StepLog
  /** What waits for the step to end. */
  queue: TransitionQueue
  clock: Clock
  logger: Logger
}

/** A script that talks to its own machine would otherwise kill itself. */
const KILL_AFTER_MS = 1_000
/** What a step gets at least, when transitions have been waiting since before it began. */
const LEAST_STEP_MS = 250

/** Where the machine is before its first transition. */
const START_STATE = 'idle'

interface RunningStep {
  state: LifecycleState
  startedAt: number
  /** The same moment by the monotonic clock. */
  runningSince: number
  controller: AbortController
}

/** The state that the machine is in, and its step: told of, logged, and ended in time for what waits. */
export class CurrentState {
  readonly #options: CurrentStateOptions
  readonly #listeners: Listeners<StateChange>
  #tag: string | undefined
  #since: number
  #step: RunningStep | undefined
  #cancelKill: Cancel = () => {}

  constructor(options: CurrentStateOptions) {
    this.#options = options
    this.#listeners = new Listeners('state', options.logger)
    this.#since = options.clock.now()
  }

  /** Undefined before the first transition. */
  get tag(): string | undefined {
    return this.#tag
  }

  get name(): string {
    return this.#tag ?? START_STATE
  }

  /** When it was entered, in milliseconds since the epoch. */
  get since(): number {
    return this.#since
  }

  /** Whether its step is still at work. */
  get running(): boolean {
    return this.#step !== undefined
  }

  subscribe(listener: (change: StateChange) => void): Unsubscribe {
    return this.#listeners.subscribe(listener)
  }

  /** Enters a state, and resolves with what its step came to. */
  async enter(input: StepInput): Promise<StepResult> {
    const { manifest, runner, clock, logger } = this.#options
    const { tag } = input
    const state = manifest.states.find((candidate) => candidate.tag === tag) as LifecycleState
    const step: RunningStep = {
      ...{ state, startedAt: clock.now(), runningSince: clock.monotonic() },
      controller: new AbortController()
    }
    logger.debug({ from: this.name, state: tag }, 'state entered')
    this.#tag = tag
    this.#since = step.startedAt
    this.#step = step
    this.#listeners.emit({ type: 'state', state: tag, at: step.startedAt, running: true })
    this.preempt()

    const result = await runner.runStep(state, input, step.controller.signal)
    this.#cancelKill()
    this.#ended(step, input, result)
    return result
  }

  /** Makes the running step end in time for the transition that waits. */
  preempt(): void {
    this.#cancelKill()
    const { queue, clock, logger } = this.#options
    const { head } = queue
    const step = this.#step
    if (head === undefined || step === undefined || step.state.force === true) return
    const dueAt = Math.max(head.waitingSince + KILL_AFTER_MS, step.runningSince + LEAST_STEP_MS)
    this.#cancelKill = clock.after(dueAt - clock.monotonic(), () => {
      logger.info({ state: step.state.tag, for: head.tag }, 'ending the step for a waiting transition')
      step.controller.abort()
    })
  }

  #ended(
    { startedAt, runningSince }: RunningStep,
    { tag, input }: StepInput,
    { outcome, error, told = false }: StepResult
  ): void {
    const { clock, logger, log } = this.#options
    const endedAt = clock.now()
    const ms = Math.round(clock.monotonic() - runningSince)
    this.#step = undefined
    log.stepEnded({ tag, input: textOf(input), startedAt, endedAt, outcome, ...(error && { error }) })
    if (error === undefined || told) logger.debug({ state: tag, outcome, ms }, 'step ended')
    else logger.warn({ state: tag, outcome, ms, err: error }, 'step failed')
    this.#listeners.emit({ type: 'state', state: tag, at: endedAt, running: false, outcome, ms })
  }
}
