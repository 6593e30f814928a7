import { findKontrolError } from '../../errors.ts'
import type { Pod } from '../../model/pod.ts'
import { podsOf, type Backends } from '../../model/snapshot.ts'
import type { Clock } from '../../platform/clock.ts'
import type { HostsSource } from '../hosts-source.ts'
import type { Guarded } from './loop-guard.ts'
import { allOf, PodTrials, type PodsByApp } from './pod-trials.ts'
import type { LeftOutPod } from '../template.ts'
import { NOBODY, type Without } from './without-pods.ts'

/** A configuration as text, from backends, hosts as JSON, or, with an empty text, what is known now. */
export interface TextSource {
  /** @param signal ends it, when nobody waits for the text any more */
  render(input: string | Backends, signal?: AbortSignal): Promise<string>
  /**
   * Lets somebody else judge the text that was rendered last: with the pods for which it is refused left out.
   *
   * @param judge throws KTL_HAPROXY_CONFIG_REJECTED
   * @param failure what is known to be wrong with the text
   * @returns undefined where nothing can be said of it: it was not rendered here
   * @throws what the judge says, where leaving out a few pods does not help
   */
  acceptable(text: string, judge: (text: string) => Promise<void>, failure?: Error): Promise<string | undefined>
  /** Whether pods were left out of the last text that was judged, so that this one may need it, too. */
  readonly isDoubtful: boolean
  /** The text that was rendered last is in use. */
  inUse(text: string): void
}

export interface FaultyPodsOptions {
  readonly guarded: { render(input: string | Backends, without: Without, signal?: AbortSignal): Promise<Guarded> }
  readonly template: () => string
  readonly known: Pick<HostsSource, 'pods'>
  readonly clock: Pick<Clock, 'monotonic'>
  /** Told after each rendering what is not in it, mostly nothing. */
  readonly onRendered: (made: Guarded) => void
  /** Told when nothing comes out: what was rendered before is not wanted any more. */
  readonly onFailure?: () => void
}

/** A rendering takes milliseconds, a check of ten thousand servers two seconds. */
const RENDERINGS = { trials: 48, ms: 2_000 }
const CHECKS = { trials: 16, ms: 20_000 }

const OF_TEMPLATE = ['KTL_TEMPLATE_INVALID', 'KTL_TEMPLATE_LIMIT']
const OF_HAPROXY = ['KTL_HAPROXY_CONFIG_REJECTED', 'KTL_HAPROXY_NO_LISTENER']

/** Leaves out pods for which nothing is rendered, or nothing that HAProxy accepts, so that all others are served. */
export class FaultyPods implements TextSource {
  readonly #options: FaultyPodsOptions
  readonly #renderings: PodTrials
  readonly #checks: PodTrials
  #last: { input: string | Backends; made: Guarded; pods: PodsByApp; template: string; out: Without } | undefined

  constructor(options: FaultyPodsOptions) {
    this.#options = options
    const { clock } = options
    const mayBeOf = (codes: readonly string[]) => (error: unknown) =>
      codes.includes(findKontrolError(error)?.code ?? '')
    this.#renderings = new PodTrials({ clock, mayBeOfPod: mayBeOf(OF_TEMPLATE), most: RENDERINGS })
    this.#checks = new PodTrials({ clock, mayBeOfPod: mayBeOf([...OF_TEMPLATE, ...OF_HAPROXY]), most: CHECKS })
  }

  get isDoubtful(): boolean {
    return this.#checks.without.size > 0
  }

  async render(input: string | Backends, signal?: AbortSignal): Promise<string> {
    const { guarded, template, onFailure } = this.#options
    this.#last = undefined
    try {
      const pods = this.#podsOf(input)
      const attempt = { pods, template: template() }
      const trial = async (without: Without): Promise<Guarded> => await guarded.render(input, without, signal)
      const { made, without } = await this.#renderings.run({ ...attempt, trial })
      this.#last = { ...attempt, input, made, pods: podsBut(without, pods), out: without }
      this.#tell(made, new Map([...without, ...here(this.#checks.without, pods)]))
      return made.text
    } catch (error) {
      onFailure?.()
      throw error
    }
  }

  async acceptable(text: string, judge: (text: string) => Promise<void>, failure?: Error): Promise<string | undefined> {
    const last = this.#last
    if (last === undefined || last.made.text !== text) return undefined
    const { input, template, out, pods } = last
    const { made, without } = await this.#checks.run({
      ...{ pods, template, failure },
      trial: async (leftOut) => {
        const tried =
          leftOut.size === 0 ? last.made : await this.#options.guarded.render(input, new Map([...out, ...leftOut]))
        await judge(tried.text)
        return tried
      },
      named: (error) => podsNamed(error, text, pods)
    })
    this.#last = { ...last, made }
    this.#tell(made, new Map([...out, ...without]))
    return made.text
  }

  inUse(text: string): void {
    const last = this.#last
    if (last?.made.text === text && !this.isDoubtful) this.#checks.worked(last, { made: text, without: NOBODY })
  }

  #tell(made: Guarded, without: Without): void {
    const faulty = Array.from(without, ([{ app, ip, key }, failure]): LeftOutPod => ({ app, ip, key, failure }))
    this.#options.onRendered({ ...made, leftOut: [...made.leftOut, ...faulty] })
  }

  /** None where only addresses are known. */
  #podsOf(input: string | Backends): PodsByApp {
    return typeof input === 'string' ? this.#options.known.pods() : podsOf(input)
  }
}

const here = (without: Without, pods: PodsByApp): Without =>
  without.size === 0 ? without : new Map([...without].filter(([pod]) => pods.get(pod.app)?.includes(pod)))

const podsBut = (without: Without, pods: PodsByApp): PodsByApp =>
  without.size === 0 ? pods : new Map(Array.from(pods, ([app, list]) => [app, list.filter((pod) => !without.has(pod))]))

/** HAProxy says "haproxy.cfg:7" of the seventh line, which mostly holds something of its pod. */
function podsNamed(error: unknown, text: string, pods: PodsByApp): readonly Pod[] {
  const numbers = (findKontrolError(error)?.message ?? '').matchAll(/haproxy\.cfg:(\d+)\]/g)
  const lines = text.split('\n')
  const named = [...numbers].map(([, number]) => ` ${lines[Number(number) - 1] ?? ''} `)
  return allOf(pods).filter(({ ip, key, id }) =>
    named.some((line) => [ip, key, id].some((word) => line.includes(word)))
  )
}
