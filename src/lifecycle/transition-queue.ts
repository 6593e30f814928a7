import { KontrolError, type Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { TransitionInput } from './manifest/compile-machine.ts'

/** Where a machine came to rest, and how its last state ended; a failure is not hidden by a state without a step behind it. */
export interface Settled {
  state: string
  outcome: string
  /** Why, when it failed. */
  error?: Problem
}

/** A state that was asked for, and the answers to all who asked. */
export class Transition {
  readonly tag: string
  /** Milliseconds since the epoch. */
  readonly queuedAt: number
  /** The same moment by the monotonic clock. */
  readonly waitingSince: number
  /** Resolves when the step of the state starts. */
  readonly started: Promise<void>
  /** Resolves when the machine has come to rest after it. */
  readonly settled: Promise<Settled>
  input: TransitionInput
  #start!: () => void
  #settle!: (settled: Settled) => void
  #refuse!: (error: KontrolError) => void

  constructor(tag: string, input: TransitionInput, clock: Clock) {
    this.tag = tag
    this.input = input
    this.queuedAt = clock.now()
    this.waitingSince = clock.monotonic()
    this.settled = new Promise((resolve, reject) => {
      this.#settle = resolve
      this.#refuse = reject
    })
    this.started = new Promise((resolve, reject) => {
      this.#start = resolve
      this.settled.catch(reject)
    })
    // Not everybody who asks waits for the answer.
    this.started.catch(() => {})
  }

  start(): void {
    this.#start()
  }

  settle(settled: Settled): void {
    this.#settle(settled)
  }

  refuse(error: KontrolError): void {
    this.#refuse(error)
  }
}

/** Inputs may be megabytes each, so that the queue must end somewhere. */
const MAX_QUEUED = 100

/** The transitions that wait for the machine to come to rest, oldest first. */
export class TransitionQueue {
  #waiting: Transition[] = []

  get head(): Transition | undefined {
    return this.#waiting[0]
  }

  get tail(): Transition | undefined {
    return this.#waiting.at(-1)
  }

  /** @throws KontrolError KTL_QUEUE_FULL */
  add(transition: Transition): void {
    if (this.#waiting.length >= MAX_QUEUED) {
      throw new KontrolError('KTL_QUEUE_FULL', `${MAX_QUEUED} transitions are waiting already`, {
        hint: 'Wait for the running step to end, or look at it with "kontrol state".'
      })
    }
    this.#waiting.push(transition)
  }

  /** In front of all others, however many there are. */
  addFirst(transition: Transition): void {
    this.#waiting.unshift(transition)
  }

  find(tag: string): Transition | undefined {
    return this.#waiting.find((transition) => transition.tag === tag)
  }

  shift(): Transition | undefined {
    return this.#waiting.shift()
  }

  refuseAll(error: KontrolError): void {
    for (const transition of this.#waiting.splice(0)) transition.refuse(error)
  }

  list(): readonly Transition[] {
    return [...this.#waiting]
  }
}
