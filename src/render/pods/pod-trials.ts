import { messageOf } from '../../errors.ts'
import type { Pod } from '../../model/pod.ts'
import type { Clock } from '../../platform/clock.ts'
import { nextTurn } from '../../platform/turns.ts'
import { NOBODY, type Without } from './without-pods.ts'

export interface PodTrialsOptions {
  /** Whether an error may come from what a pod says of itself. */
  readonly mayBeOfPod: (error: unknown) => boolean
  /** How often is tried, and for how long: a round of changes waits for it. */
  readonly most: { readonly trials: number; readonly ms: number }
  readonly clock: Pick<Clock, 'monotonic'>
}

/** What is tried with all pods, or without some of them. */
export interface Attempt<T> {
  readonly pods: PodsByApp
  /** What worked with a pod says nothing about another template. */
  readonly template: string
  readonly trial: (without: Without) => Promise<T>
  /** What is known to go wrong with all of them. */
  readonly failure?: Error | undefined
  /** Pods of which a failure speaks, which are looked at first. */
  readonly named?: (failure: unknown) => readonly Pod[]
}

/** Looked through when something fails, which for ten thousand of them matters. */
export type PodsByApp = ReadonlyMap<string, readonly Pod[]>

type Tried<T> = { made: T; failure: undefined } | { failure: Error }

export interface Result<T> {
  readonly made: T
  readonly without: Without
}

/**
 * Finds the pods with which something fails that works without them, so that one of them does not stop the changes
 * of all. Those that it worked with before are not to blame, unless the template is another one since.
 */
export class PodTrials {
  readonly #options: PodTrialsOptions
  #good: { template: string; pods: PodsByApp; without: Without } | undefined
  #without: Without = NOBODY

  constructor(options: PodTrialsOptions) {
    this.#options = options
  }

  /** Those that it went without last. */
  get without(): Without {
    return this.#without
  }

  /** @throws what it fails of with all pods, if that is not the fault of a few of them */
  async run<T>(attempt: Attempt<T>): Promise<Result<T>> {
    const { failure } = attempt
    const all: Tried<T> = failure === undefined ? await this.#try(attempt.trial, NOBODY) : { failure }
    if (all.failure === undefined) return this.worked(attempt, { made: all.made, without: NOBODY })
    const found = (await this.#asBefore(attempt)) ?? (await this.#search(attempt, all.failure))
    if (found === undefined || !this.#isPlausible(attempt, found.without)) throw all.failure
    return this.worked(attempt, found)
  }

  /** It works with all pods but these. */
  worked<T>({ pods, template }: Pick<Attempt<T>, 'pods' | 'template'>, result: Result<T>): Result<T> {
    this.#without = result.without
    this.#good = { template, pods, without: result.without }
    return result
  }

  /** The same mistakes of the same pods are mostly all there is. */
  async #asBefore<T>({ pods, trial }: Attempt<T>): Promise<Result<T> | undefined> {
    if (this.#without.size === 0) return undefined
    const without = new Map(allOf(pods).flatMap((pod) => toEntry(pod, this.#without.get(pod))))
    if (without.size === 0) return undefined
    const tried = await this.#tryAgain(trial, without)
    return tried.failure === undefined ? { made: tried.made, without } : undefined
  }

  async #search<T>(attempt: Attempt<T>, failure: unknown): Promise<Result<T> | undefined> {
    const known = this.#known(attempt.template)
    const suspects = allOf(attempt.pods).filter((pod) => !known.has(pod))
    const named = attempt.named?.(failure).filter((pod) => !known.has(pod)) ?? []
    const { most, clock } = this.#options
    const budget = { trials: most.trials, until: clock.monotonic() + most.ms }
    for (const group of named.length === 0 ? [suspects] : [named, suspects]) {
      const found = await this.#searchIn(group, attempt, { failure, budget })
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Takes back all of a group that can be, halving it; what is not known when the budget ends stays out. */
  async #searchIn<T>(
    group: readonly Pod[],
    { trial }: Attempt<T>,
    { failure, budget }: { failure: unknown; budget: { trials: number; until: number } }
  ): Promise<Result<T> | undefined> {
    const without = new Map(group.map((pod): [Pod, string] => [pod, messageOf(failure)]))
    if (without.size === 0) return undefined
    const withNone = await this.#tryAgain(trial, without)
    if (withNone.failure !== undefined) return undefined
    let { made } = withNone
    /** @returns whether all of them are back */
    const takeBack = async (some: readonly Pod[], known?: unknown): Promise<boolean> => {
      let reason = known
      if (reason === undefined) {
        if (budget.trials-- <= 0 || this.#options.clock.monotonic() > budget.until) return false
        const fewer = new Map(without)
        for (const pod of some) fewer.delete(pod)
        const result = await this.#tryAgain(trial, fewer)
        if (result.failure === undefined) {
          made = result.made
          for (const pod of some) without.delete(pod)
          return true
        }
        reason = result.failure
      }
      if (some.length === 1) {
        for (const pod of some) without.set(pod, messageOf(reason))
        return false
      }
      const middle = Math.ceil(some.length / 2)
      const isFirstBack = await takeBack(some.slice(0, middle))
      // With the first half back, the second is what the whole failed of.
      await takeBack(some.slice(middle), isFirstBack ? reason : undefined)
      return false
    }
    await takeBack(group, failure)
    return { made, without }
  }

  /** Keepalives are taken between two trials. */
  async #tryAgain<T>(trial: Attempt<T>['trial'], without: Without): Promise<Tried<T>> {
    await nextTurn()
    return await this.#try(trial, without)
  }

  async #try<T>(trial: Attempt<T>['trial'], without: Without): Promise<Tried<T>> {
    try {
      return { made: await trial(without), failure: undefined }
    } catch (failure) {
      if (this.#options.mayBeOfPod(failure)) return { failure: failure as Error }
      throw failure
    }
  }

  #known(template: string): ReadonlySet<Pod> {
    if (this.#good?.template !== template) return new Set()
    const { pods, without } = this.#good
    return new Set(allOf(pods).filter((pod) => !without.has(pod)))
  }

  /** Where it has not worked with this template yet, what all pods of an app make fail is a mistake of the template. */
  #isPlausible<T>({ pods, template }: Attempt<T>, without: Without): boolean {
    if (without.size === allOf(pods).length) return false
    if (this.#good?.template === template) return true
    return [...pods.values()].every((list) => list.length <= 1 || !list.every((pod) => without.has(pod)))
  }
}

export const allOf = (pods: PodsByApp): readonly Pod[] => [...pods.values()].flat()

const toEntry = (pod: Pod, reason: string | undefined): [Pod, string][] => (reason === undefined ? [] : [[pod, reason]])
