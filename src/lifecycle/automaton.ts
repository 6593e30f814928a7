import { resolve } from 'node:path'
import { createActor, fromPromise, type ActorRefFrom } from 'xstate'
import { KontrolError, type Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { defaultShell, type Shell } from '../platform/process/shell.ts'
import { fitsEnvironment } from '../platform/process/script-input.ts'
import {
  compileMachine,
  positionOf,
  type LifecycleMachine,
  type StepInput,
  type StepOutput,
  type TransitionInput
} from './manifest/compile-machine.ts'
import { CurrentState } from './current-state.ts'
import type { Manifest } from './manifest/manifest.ts'
import { ReachableStates } from './manifest/reachable-states.ts'
import { shorten, statusOf, StepLog, type AutomatonStatus, type StateChange } from './step-log.ts'
import { StepRunner, type Action } from './step-runner.ts'
import { Transition, TransitionQueue, type Settled } from './transition-queue.ts'

export interface AutomatonOptions {
  manifest: Manifest
  actions: Readonly<Record<string, Action>>
  /** Handed to scripts as `$SOCKET`, made absolute. */
  socketPath: string
  logger: Logger
  clock: Clock
  /** What scripts inherit; the environment of this process when absent. */
  env?: NodeJS.ProcessEnv
  /** What runs scripts; the usual one when absent. */
  shell?: Shell
  /** Milliseconds between SIGTERM and SIGKILL, 10 s when absent. */
  killGraceMs?: number
}

export interface RequestOptions {
  /**
   * When the same state is waiting already, replaces the input of that request
   * and shares its answer. For requests whose input says all, so that the last one wins.
   */
  coalesce?: boolean
}

const DEFAULT_KILL_GRACE_MS = 10_000
/** From a request to the rest that follows, with all steps that `on` leads to. */
interface Run {
  transition: Transition
  /** Of the last step that ended, but for a state with nothing to do behind one that failed. */
  outcome: string
  error: KontrolError | undefined
  entered: boolean
}

/** Runs the machine of a manifest: one step at a time, and requests in order. */
export class Automaton {
  readonly #manifest: Manifest
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #reach: ReachableStates
  readonly #log: StepLog
  readonly #current: CurrentState
  readonly #actor: ActorRefFrom<LifecycleMachine>
  readonly #queue = new TransitionQueue()
  #run: Run | undefined
  #started = false
  #stopped: Promise<void> | undefined

  constructor({ manifest, actions, socketPath, logger, clock, env = process.env, ...more }: AutomatonOptions) {
    const { killGraceMs, shell = defaultShell } = more
    this.#manifest = manifest
    this.#clock = clock
    this.#logger = logger
    this.#reach = new ReachableStates(manifest)
    this.#log = new StepLog(this.#reach)
    const runner = new StepRunner({
      actions,
      socketPath: resolve(socketPath),
      env,
      shell,
      killGraceMs: killGraceMs ?? DEFAULT_KILL_GRACE_MS,
      logger
    })
    this.#current = new CurrentState({ manifest, runner, log: this.#log, queue: this.#queue, clock, logger })
    const runStep = fromPromise<StepOutput, StepInput>(({ input }) => this.#runStep(input))
    this.#actor = createActor(compileMachine(manifest).provide({ actors: { runStep } }))
    this.#actor.subscribe((snapshot) => {
      if (positionOf(snapshot).phase === 'resting' && this.#run?.entered) this.#settle(this.#run)
    })
  }

  /**
   * Begins with the initial state, whatever was asked for before; one that the
   * manifest does not have leaves the machine in `idle`.
   */
  start(): void {
    const { initial } = this.#manifest
    if (this.#reach.allowedAt(undefined).includes(initial)) {
      this.#queue.addFirst(new Transition(initial, '', this.#clock))
    } else this.#logger.warn({ initial }, 'initial state is not in the manifest')
    this.#actor.start()
    this.#started = true
    this.#advance()
  }

  /**
   * Asks for a state; resolves when its step starts.
   *
   * @throws KontrolError KTL_TRANSITION_REFUSED, KTL_QUEUE_FULL, KTL_REQUEST_INVALID
   */
  async goto(tag: string, input: TransitionInput = '', options: RequestOptions = {}): Promise<void> {
    await this.#request(tag, input, options).started
  }

  /** Like goto(), but resolves when the machine has come to rest, however its steps ended. */
  async wait(tag: string, input: TransitionInput = '', options: RequestOptions = {}): Promise<Settled> {
    return this.#request(tag, input, options).settled
  }

  /**
   * Sets a variable for the steps that start from now on.
   *
   * @throws KontrolError KTL_REQUEST_INVALID for what no environment can hold
   */
  set(name: string, value: string): void {
    if (name === '' || /[=\0]/.test(name) || value.includes('\0') || !fitsEnvironment(name, value)) {
      throw new KontrolError('KTL_REQUEST_INVALID', `Cannot set the variable "${shorten(name)}"`, {
        hint: 'Give a name without "=", and at most 128 KiB.'
      })
    }
    if (this.#actor.getSnapshot().status === 'active') this.#actor.send({ type: 'SET', name, value })
  }

  /** Asks for the terminal state, from which there is no way on; resolves when it starts. */
  async die(): Promise<void> {
    await this.goto(this.#manifest.terminal)
  }

  /** Drops what waits, and resolves once the terminal state has run to its end. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  /** The state alone, as the command STATE answers it. */
  get state(): string {
    return this.#current.name
  }

  /** Whether no step is under way. */
  get atRest(): boolean {
    return !this.#current.running
  }

  /** Whether it is in the terminal state, from which there is no way on. */
  get atEnd(): boolean {
    return this.#current.tag === this.#manifest.terminal
  }

  /** Whether it is at its end, or was told to go there. */
  get ending(): boolean {
    return this.#stopped !== undefined || this.atEnd
  }

  /** Of the last error, the very object that whoever threw it may show as well. */
  get problem(): Problem | undefined {
    return this.#log.lastError?.problem
  }

  status(): AutomatonStatus {
    return statusOf({
      manifest: this.#manifest,
      reach: this.#reach,
      log: this.#log,
      queue: this.#queue,
      current: this.#current
    })
  }

  /** Calling the result ends it. */
  subscribe(listener: (change: StateChange) => void): () => void {
    return this.#current.subscribe(listener)
  }

  #request(tag: string, input: TransitionInput, { coalesce = false }: RequestOptions): Transition {
    if (typeof input === 'string' && input.includes('\0')) {
      throw new KontrolError('KTL_REQUEST_INVALID', `The input of "${tag}" holds a zero byte`, {
        hint: 'Encode the input as text.'
      })
    }
    const waiting = coalesce ? this.#queue.find(tag) : undefined
    if (waiting !== undefined) {
      waiting.input = input
      return waiting
    }
    const allowed = this.#stopped === undefined ? this.#allowed() : []
    if (!allowed.includes(tag)) throw refusal(tag, this.state, allowed)
    return this.#enqueue(tag, input)
  }

  /** What may be asked for once all that runs and waits is through. */
  #allowed(): readonly string[] {
    const last = this.#queue.tail?.tag
    if (last !== undefined) return this.#reach.allowedAfter(last)
    if (this.#run === undefined) return this.#reach.allowedAt(this.#current.tag)
    const { entered, transition } = this.#run
    return this.#reach.allowedAfter(entered ? this.state : transition.tag)
  }

  #enqueue(tag: string, input: TransitionInput): Transition {
    const transition = new Transition(tag, input, this.#clock)
    this.#queue.add(transition)
    this.#advance()
    return transition
  }

  /** Starts the next transition at rest, else makes the running step end in time for it. */
  #advance(): void {
    if (!this.#started) return
    if (this.#run !== undefined) return this.#current.preempt()
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const event = { type: 'MOVE', tag: next.tag, input: next.input } as const
      if (this.#actor.getSnapshot().can(event)) {
        this.#run = { transition: next, outcome: 'done', error: undefined, entered: false }
        this.#log.runStarted(next.tag)
        this.#actor.send(event)
        return
      }
      // It was allowed after one of the outcomes that were open then.
      next.refuse(refusal(next.tag, this.state, this.#reach.allowedAt(this.#current.tag)))
    }
  }

  async #runStep(input: StepInput): Promise<StepOutput> {
    if (this.#run !== undefined) {
      this.#run.entered = true
      this.#run.transition.start()
    }
    const result = await this.#current.enter(input)
    if (this.#run !== undefined && (this.#run.error === undefined || this.#hasStep(input.tag))) {
      Object.assign(this.#run, { outcome: result.outcome, error: result.error })
    }
    return result
  }

  #hasStep(tag: string): boolean {
    const state = this.#manifest.states.find((candidate) => candidate.tag === tag)
    return state?.action !== undefined || state?.shell !== undefined
  }

  #settle(run: Run): void {
    this.#run = undefined
    this.#log.runEnded()
    const { outcome, error, transition } = run
    transition.settle({ state: this.state, outcome, ...(error && { error: error.problem }) })
    this.#advance()
  }

  async #stop(): Promise<void> {
    const { terminal } = this.#manifest
    this.#queue.refuseAll(refusal('anything', this.state, []))
    if (!this.#started) return
    const last = this.#current.tag === terminal ? this.#run?.transition : this.#enqueue(terminal, '')
    // Refused only when `on` led to the terminal state before.
    await last?.settled.catch(() => {})
    this.#actor.stop()
  }
}

function refusal(tag: string, state: string, allowed: readonly string[]): KontrolError {
  return new KontrolError('KTL_TRANSITION_REFUSED', `"${tag}" cannot be asked for, the machine being in "${state}"`, {
    hint: allowed.length === 0 ? 'Start the program anew: it is at its end.' : `Ask for one of ${allowed.join(', ')}.`
  })
}
