import type { Problem } from '../../errors.ts'
import type { Logger } from '../../platform/logger.ts'
import type { LeftOutPod } from '../template.ts'

export interface LeftOutPodsOptions {
  logger: Logger
  onAlarm: (problem: Problem) => void
}

/** A whole fleet may be left out at once, and each of them is the same mistake. */
const TOLD_AT_ONCE = 10

/** Tells of the pods that are not in the configuration: once when one is left out, once when it is back. */
export class LeftOutPods {
  readonly #logger: Logger
  readonly #onAlarm: (problem: Problem) => void
  #keys: ReadonlySet<string> = new Set<string>()

  constructor({ logger, onAlarm }: LeftOutPodsOptions) {
    this.#logger = logger
    this.#onAlarm = onAlarm
  }

  get count(): number {
    return this.#keys.size
  }

  /** @param pods those of the last rendering */
  update(pods: readonly LeftOutPod[]): void {
    const before = this.#keys
    if (before.size === 0 && pods.length === 0) return
    this.#keys = new Set(pods.map(({ key }) => key))
    const added = pods.filter(({ key }) => !before.has(key))
    for (const pod of added.slice(0, TOLD_AT_ONCE)) this.#tell(pod)
    if (added.length > TOLD_AT_ONCE)
      this.#logger.error({ count: added.length }, 'pods left out, of which the first are named')
    const back = [...before.keys()].filter((key) => !this.#keys.has(key))
    if (back.length > 0)
      this.#logger.info({ keys: back.slice(0, TOLD_AT_ONCE), count: back.length }, 'pods no longer left out')
  }

  #tell(pod: LeftOutPod): void {
    const problem = leftOutProblem(pod)
    this.#logger.error({ ...pod, ...problem }, 'pod left out')
    this.#onAlarm(problem)
  }
}

export function leftOutProblem({ app, ip, key, field, failure }: LeftOutPod): Problem {
  const pod = `Pod ${key} of ${app} at ${ip} is left out`
  if (failure === undefined) {
    return {
      code: 'KTL_POD_TEXT_REFUSED',
      message: `${pod}: ${field} would change the meaning of the configuration`,
      hint: 'Let the pod send a plain word, or let the template quote it with "| haproxy_quote".'
    }
  }
  return {
    code: 'KTL_POD_FAULTY',
    message: `${pod}, as the configuration fails with it and not without it: ${failure}`,
    hint: 'Correct what the pod says of itself ("kontrol pods" shows it), or let the template stand it.'
  }
}
