import { messageOf, type KontrolError } from '../errors.ts'
import type { PlanKind } from '../model/reconfiguration.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { ConfigFile } from './files/config-file.ts'
import type { ConfigModel, ConfigReader } from './config/model.ts'
import type { Configuration, KnownWorker } from './known-worker.ts'
import { LiveConfiguration } from './live-configuration.ts'
import type { Servers } from './servers/servers.ts'
import { PendingReload } from './pending-reload.ts'
import type { Plan } from './servers/plan.ts'
import { problemOf, type Problem } from './problem.ts'
import type { Instance } from './instance.ts'
import type { TaskQueue } from '../platform/queue.ts'
import { textDiff } from './config/text-changes.ts'

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

export interface UpdateOptions {
  file: ConfigFile
  haproxy: Instance
  worker: KnownWorker
  servers: Servers
  reader: ConfigReader
  queue: TaskQueue
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
const MIN_SPARES_TO_CLEAR = 10

/** Brings HAProxy to a wanted configuration on the gentlest way there is, and to what should run when it strays. */
export class Update {
  readonly #options: UpdateOptions
  readonly #live: LiveConfiguration
  readonly #reload: PendingReload
  #candidate: Configuration | undefined
  /** Why the candidate does not run. */
  #problem: Problem | undefined
  #quiet: Cancel = () => {}

  constructor(options: UpdateOptions) {
    this.#options = options
    this.#live = new LiveConfiguration(options)
    this.#reload = new PendingReload({ ...options, live: this.#live })
  }

  /** The last configuration that was asked for, good or bad. */
  candidate(): Configuration | undefined {
    return this.#candidate
  }

  problems(): Problem[] {
    return [this.#problem, this.#live.problem].filter((problem) => problem !== undefined)
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
    this.#live.started()
  }

  /** A worker that had begun to serve did not live. */
  workerDied(error: unknown): void {
    this.#problem = this.#alarm(error)
  }

  /** HAProxy is back after a death, with the last good file. */
  restarted(): void {
    this.#inBackground(async () => await this.#catchUp())
  }

  /** Resolves when what runs has been watched, and is on disk. Not to be awaited within the queue. */
  async settled(): Promise<void> {
    await this.#live.settled()
  }

  close(): void {
    this.#quiet()
    this.#live.close()
  }

  async #plan(input: string, signal?: AbortSignal): Promise<ConfigureResult> {
    // A missing last LF is fatal to HAProxy, and Jinja2 strips it.
    const wanted = this.#options.worker.withDigest(input.endsWith('\n') ? input : `${input}\n`)
    const running = this.#options.worker.configuration()?.text
    this.#candidate = wanted
    this.#reload.drop()
    if (wanted.text === running && this.#options.servers.areKnown()) return resultOf({ kind: 'none' }, 'unchanged', '')
    const model = this.#options.reader.read(wanted.text)
    const plan = this.#options.servers.plan(model)
    const diff = (): string => textDiff(running ?? '', wanted.text)
    if (this.#options.dryRun) {
      await this.#live.check(wanted, signal)
      return resultOf(plan, 'unchanged', diff())
    }
    const done = plan.kind === 'reload' ? plan : await this.#changeServers(plan, wanted, model)
    // Told only now: nobody waits for a diff.
    if (typeof done === 'number') {
      return { ...resultOf(plan, done === 0 ? 'unchanged' : 'applied', diff()), operations: done }
    }
    await this.#live.check(wanted, signal)
    this.#reload.prepare(wanted)
    return resultOf(done, 'reload', diff())
  }

  /** The number of servers changed; or, when HAProxy does not go along, the plan that is left. */
  async #changeServers(
    plan: Exclude<Plan, { kind: 'reload' }>,
    wanted: Configuration,
    model: ConfigModel
  ): Promise<number | Extract<Plan, { kind: 'reload' }>> {
    try {
      const operations = await this.#live.change(plan.kind === 'none' ? [] : plan.changes, wanted, model)
      this.#awaitQuiet()
      return operations
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'servers not changed at runtime')
      return { kind: 'reload', reasons: [messageOf(error)] }
    }
  }

  async #restart(signal?: AbortSignal): Promise<RestartOutcome> {
    if (this.#options.dryRun) return 'unchanged'
    const outcome = await this.#reload.reload(signal)
    if (outcome === undefined) return await this.#options.haproxy.ensure()
    this.#problem = undefined
    return outcome
  }

  /** HAProxy is other than thought: a reload brings it in line. */
  reconcile(error: KontrolError): void {
    this.#options.logger.error({ err: error }, 'haproxy drifted, reloading')
    const problem = (this.#problem = this.#alarm(error))
    this.#inBackground(async () => {
      await this.#reload.repeat()
      if (this.#problem === problem) this.#problem = undefined
    })
  }

  /** After a death: the servers that were changed since the last good file was written. */
  async #catchUp(): Promise<void> {
    const lost = this.#live.lost()
    if (lost === undefined) return
    const model = this.#options.reader.read(lost.text)
    const plan = this.#options.servers.plan(model)
    // Anything else may be what it died of.
    if (plan.kind === 'runtime') await this.#changeServers(plan, lost, model)
  }

  /** Servers left over from changes cost memory: once they outnumber those in use, and nobody waits, they go. */
  #awaitQuiet(): void {
    const { clock, quietMs, logger } = this.#options
    this.#quiet()
    this.#quiet = clock.after(quietMs, () => {
      const { live, spare } = this.#options.servers.count()
      if (spare <= Math.max(live, MIN_SPARES_TO_CLEAR)) return
      logger.info({ live, spare }, 'haproxy is reloaded to clear servers that are left over')
      this.#inBackground(async () => await this.#reload.repeat())
    })
  }

  #inBackground(task: () => Promise<void>): void {
    this.#options.queue.enqueue(task).catch((err: unknown) => {
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

function resultOf(plan: Plan, outcome: ConfigureResult['outcome'], diff: string): ConfigureResult {
  return { outcome, plan: plan.kind, operations: 0, reasons: plan.kind === 'reload' ? plan.reasons : [], diff }
}
