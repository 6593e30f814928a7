import { setTimeout as sleep } from 'node:timers/promises'
import { KontrolError, messageOf } from '../errors.ts'
import type { PlanKind } from '../model/reconfiguration.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { adviceOn } from './advice.ts'
import { probeBinds } from './bind-probe.ts'
import type { ConfigFile } from './config-file.ts'
import type { ConfigImage, ImageReader } from './config-image.ts'
import { parseConfig } from './config-parser.ts'
import { FileFollower } from './file-follower.ts'
import type { Configuration, KnownWorker } from './known-worker.ts'
import { listenersOf } from './listeners.ts'
import type { LiveServers } from './live-servers.ts'
import type { Plan } from './plan.ts'
import { problemOf, type Problem } from './problem.ts'
import { refusedKeywords } from './refused-keywords.ts'
import type { RunningHaproxy } from './running-haproxy.ts'
import type { SerialQueue } from './serial-queue.ts'
import { textDiff } from './text-diff.ts'

export interface ConfigureResult {
  /** `reload`: checked, and waiting for `restart`. */
  outcome: 'unchanged' | 'applied' | 'reload'
  /** With `dryRun`, what would have been done; the outcome is `unchanged` then. */
  plan: PlanKind
  /** Runtime operations carried out. */
  operations: number
  /** Why a reload is needed, one sentence each. */
  reasons: string[]
  /** Lines that went and came. */
  diff: string
}

export type RestartOutcome = 'unchanged' | 'started' | 'reloaded'

export interface ChangeApplierOptions {
  file: ConfigFile
  haproxy: RunningHaproxy
  worker: KnownWorker
  servers: LiveServers
  reader: ImageReader
  queue: SerialQueue
  clock: Clock
  logger: Logger
  /** Least milliseconds between two reloads. */
  reloadIntervalMs: number
  dryRun: boolean
  /** Milliseconds without a change after which servers left over in HAProxy are cleared by a reload. */
  quietMs: number
  onAlarm: (problem: Problem) => void
}

/** Left-over servers that are not worth a reload. */
const FEW_SPARES = 10

/** Brings HAProxy to a wanted configuration on the gentlest way there is, and to what should run when it strays. */
export class ChangeApplier {
  readonly #options: ChangeApplierOptions
  readonly #follower: FileFollower
  #candidate: Configuration | undefined
  /** Checked, and waiting for a reload. */
  #pending: Configuration | undefined
  /** Why the candidate does not run. */
  #problem: Problem | undefined
  /** Why HAProxy would not start with what it runs. */
  #fileProblem: Problem | undefined
  /** The last that was live. */
  #live: Configuration | undefined
  #lastReloadAt = -Infinity
  #quiet: Cancel = () => {}

  constructor(options: ChangeApplierOptions) {
    this.#options = options
    const { file, haproxy, worker, queue, logger } = options
    this.#follower = new FileFollower({
      ...{ file, haproxy, worker, queue, logger },
      onRefusal: (error) => {
        this.#fileProblem = this.#alarm(error)
      },
      onKept: () => (this.#fileProblem = undefined)
    })
  }

  /** The last configuration that was asked for, good or bad. */
  candidate(): Configuration | undefined {
    return this.#candidate
  }

  problems(): Problem[] {
    return [this.#problem, this.#fileProblem].filter((problem) => problem !== undefined)
  }

  /** Within the queue, as `restart`. */
  async configure(text: string, signal?: AbortSignal): Promise<ConfigureResult> {
    const result = await this.#noting(async () => await this.#plan(text, signal))
    if (result.outcome !== 'reload') this.#problem = undefined
    return result
  }

  async restart(signal?: AbortSignal): Promise<RestartOutcome> {
    return await this.#noting(async () => await this.#restart(signal))
  }

  /** HAProxy was taken up or started. */
  started(): void {
    this.#live ??= this.#options.worker.configuration()
    this.#followLive()
  }

  /** A worker that had begun to serve did not live. */
  fell(error: unknown): void {
    this.#problem = this.#alarm(error)
  }

  /** HAProxy is back after a death, with the last good file. */
  revived(): void {
    this.#inBackground(async () => await this.#catchUp())
  }

  /** Resolves when what runs has been watched, and is on disk. Not to be awaited within the queue. */
  async settled(): Promise<void> {
    await this.#options.haproxy.proven()
    await this.#follower.idle()
  }

  close(): void {
    this.#quiet()
    this.#follower.drop()
  }

  async #plan(input: string, signal?: AbortSignal): Promise<ConfigureResult> {
    // A missing last LF is fatal to HAProxy, and Jinja2 strips it.
    const wanted = this.#options.worker.named(input.endsWith('\n') ? input : `${input}\n`)
    const running = this.#options.worker.configuration()?.text
    this.#candidate = wanted
    this.#pending = undefined
    if (wanted.text === running && this.#options.servers.areKnown()) return resultOf({ kind: 'none' }, 'unchanged', '')
    const image = this.#options.reader.read(wanted.text)
    const plan = this.#options.servers.plan(image)
    const diff = (): string => textDiff(running ?? '', wanted.text)
    if (this.#options.dryRun) {
      await this.#check(wanted, signal)
      return resultOf(plan, 'unchanged', diff())
    }
    const done = plan.kind === 'reload' ? plan : await this.#changeServers(plan, wanted, image)
    // Told only now: nobody waits for a diff.
    if (typeof done === 'number') {
      return { ...resultOf(plan, done === 0 ? 'unchanged' : 'applied', diff()), operations: done }
    }
    await this.#check(wanted, signal)
    this.#pending = wanted
    return resultOf(done, 'reload', diff())
  }

  /** The number of servers changed; or, when HAProxy does not go along, the plan that is left. */
  async #changeServers(
    plan: Exclude<Plan, { kind: 'reload' }>,
    wanted: Configuration,
    image: ConfigImage
  ): Promise<number | Extract<Plan, { kind: 'reload' }>> {
    try {
      const operations = await this.#options.servers.apply(plan.kind === 'none' ? [] : plan.changes, image)
      this.#options.worker.changedTo(wanted)
      this.#live = wanted
      this.#follower.follow(wanted)
      this.#awaitQuiet()
      return operations
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'servers not changed at runtime')
      return { kind: 'reload', reasons: [messageOf(error)] }
    }
  }

  async #check({ text }: Configuration, signal?: AbortSignal): Promise<void> {
    const parsed = parseConfig(text)
    refuse(refusedKeywords(parsed))
    this.#follower.drop()
    try {
      await this.#options.file.check(text, signal)
    } catch (error) {
      this.#followLive()
      throw error
    }
    for (const advice of adviceOn(parsed)) this.#options.logger.warn({ advice }, 'haproxy configuration')
  }

  /** The file on disk goes after what runs, whatever became of something else. */
  #followLive(): void {
    const live = this.#options.worker.unkept()
    if (live !== undefined) this.#follower.follow(live)
  }

  async #restart(signal?: AbortSignal): Promise<RestartOutcome> {
    const pending = this.#pending
    if (this.#options.dryRun) return 'unchanged'
    if (pending === undefined) return await this.#options.haproxy.ensure()
    try {
      await this.#probe(pending)
      await this.#awaitInterval(signal)
      this.#pending = undefined
      const outcome = await this.#load(pending)
      this.#problem = undefined
      return outcome
    } finally {
      this.#followLive()
    }
  }

  async #load(configuration: Configuration): Promise<'started' | 'reloaded'> {
    this.#follower.drop()
    const outcome = await this.#options.haproxy.load(configuration)
    this.#live = configuration
    this.#fileProblem = undefined
    return outcome
  }

  async #probe({ text }: Configuration): Promise<void> {
    const worker = this.#options.worker.pids()?.workerPid
    const held = worker === undefined ? [] : await listenersOf(worker)
    // Who listens nowhere has nothing to lose by a reload that fails.
    const problems = held.length === 0 ? [] : await probeBinds(parseConfig(text), held)
    if (problems.length === 0) return
    throw new KontrolError('KTL_HAPROXY_RELOAD_FAILED', `The configuration cannot be loaded: ${problems.join('; ')}`, {
      hint: 'Free the address, or change the bind line; HAProxy goes on with what it runs.'
    })
  }

  async #awaitInterval(signal?: AbortSignal): Promise<void> {
    const { clock, reloadIntervalMs } = this.#options
    const waitMs = this.#lastReloadAt + reloadIntervalMs - clock.now()
    if (waitMs > 0) await sleep(waitMs, undefined, signal && { signal })
    this.#lastReloadAt = clock.now()
  }

  /** Loads what runs once more, unless something else is about to be loaded. */
  async #reloadLive(): Promise<void> {
    const live = this.#options.worker.configuration()
    if (live === undefined || this.#pending !== undefined) return
    await this.#check(live)
    await this.#awaitInterval()
    await this.#load(live)
  }

  /** HAProxy is other than thought: a reload brings it in line. */
  heal(error: KontrolError): void {
    this.#options.logger.error({ err: error }, 'haproxy is reloaded, as it is not as expected')
    const problem = (this.#problem = this.#alarm(error))
    this.#inBackground(async () => {
      await this.#reloadLive()
      if (this.#problem === problem) this.#problem = undefined
    })
  }

  /** After a death: the servers that were changed since the last good file was written. */
  async #catchUp(): Promise<void> {
    const live = this.#live
    if (live === undefined || live.text === this.#options.worker.configuration()?.text) return
    const image = this.#options.reader.read(live.text)
    const plan = this.#options.servers.plan(image)
    // Anything else may be what it died of.
    if (plan.kind === 'runtime') await this.#changeServers(plan, live, image)
  }

  /** Servers left over from changes cost memory: once they outnumber those in use, and nobody waits, they go. */
  #awaitQuiet(): void {
    const { clock, quietMs, logger } = this.#options
    this.#quiet()
    this.#quiet = clock.after(quietMs, () => {
      const { live, spare } = this.#options.servers.count()
      if (spare <= Math.max(live, FEW_SPARES)) return
      logger.info({ live, spare }, 'haproxy is reloaded to clear servers that are left over')
      this.#inBackground(async () => await this.#reloadLive())
    })
  }

  #inBackground(task: () => Promise<void>): void {
    this.#options.queue.run(task).catch((err: unknown) => {
      this.#problem = problemOf(err)
      this.#options.logger.error({ err }, 'haproxy not brought in line')
    })
  }

  #alarm(error: unknown): Problem {
    const problem = problemOf(error)
    this.#options.onAlarm(problem)
    return problem
  }

  /** Keeps the reason of a failure for `problems`. */
  async #noting<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task()
    } catch (error) {
      this.#problem = problemOf(error)
      throw error
    }
  }
}

function refuse(problems: string[]): void {
  if (problems.length === 0) return
  throw new KontrolError('KTL_HAPROXY_CONFIG_REJECTED', `The configuration is refused: ${problems.join('; ')}`, {
    hint: 'Remove these lines from the template.'
  })
}

function resultOf(plan: Plan, outcome: ConfigureResult['outcome'], diff: string): ConfigureResult {
  return { outcome, plan: plan.kind, operations: 0, reasons: plan.kind === 'reload' ? plan.reasons : [], diff }
}
