import { setTimeout as sleep } from 'node:timers/promises'
import { catalogue, KontrolError, messageOf, problemOf, type Problem } from '../errors.ts'
import type { PlanKind } from '../model/reconfiguration.ts'
import { Backoff } from '../platform/backoff.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { TaskQueue } from '../platform/queue.ts'
import { adviceOn, refuseKeywords, refuseSilence } from './config/lint.ts'
import type { ConfigModel, ConfigReader } from './config/model.ts'
import { textDiff } from './config/text-changes.ts'
import type { ConfigFile } from './files/config-file.ts'
import { FileFollower } from './files/file-follower.ts'
import type { Instance } from './instance.ts'
import type { Configuration, Known } from './known.ts'
import { probeBinds } from './process/bind-probe.ts'
import { listenersOf } from './process/listeners.ts'
import type { PoolChange } from './servers/plan.ts'
import type { Servers } from './servers/servers.ts'

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
  known: Known
  file: ConfigFile
  instance: Instance
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

/** Applies a configuration with the least disruption (runtime API, else reload) and repairs drift. */
export class Update {
  readonly #options: UpdateOptions
  readonly #follower: FileFollower
  #lastReloadAt = -Infinity
  #quiet: Cancel = () => {}
  #retry: Cancel = () => {}
  readonly #backoff = new Backoff({ firstMs: 1_000, maxMs: 60_000 })
  #closed = false

  constructor(options: UpdateOptions) {
    const { servers, instance } = options
    this.#options = options
    this.#follower = new FileFollower({
      ...options,
      proven: () => instance.proven(),
      keep: (configuration) => instance.keep(configuration)
    })
    servers.onDrift((error) => this.#reconcile(error))
    instance.onWorkerDied((error) => void this.#alarm(error))
    instance.onRestarted(() => this.#inBackground(async () => await this.#catchUp()))
  }

  /** Within the queue, as `restart`. */
  async configure(text: string, signal?: AbortSignal): Promise<ConfigureResult> {
    const result = await this.#noting(async () => await this.#apply(text, signal))
    if (result.outcome !== 'reload') this.#options.known.problem.candidate = undefined
    return result
  }

  async restart(signal?: AbortSignal): Promise<RestartOutcome> {
    return await this.#noting(async () => await this.#restart(signal))
  }

  /** HAProxy was taken up or started. */
  started(): void {
    const { known } = this.#options
    known.lastRunning ??= known.running
    this.#follow()
  }

  /** Resolves when what runs has been watched, and is on disk. Not to be awaited within the queue. */
  async settled(): Promise<void> {
    await this.#options.instance.proven()
    await this.#follower.idle()
  }

  close(): void {
    this.#closed = true
    this.#quiet()
    this.#retry()
    this.#follower.drop()
  }

  /** One wanted configuration: nothing to do, servers changed at runtime, or a reload that waits for `restart`. */
  async #apply(input: string, signal?: AbortSignal): Promise<ConfigureResult> {
    const { known, servers, reader, dryRun, logger } = this.#options
    const before = known.running?.text
    const wanted = this.#asked(input)
    if (wanted.text === before && known.loaded !== undefined) {
      return { outcome: 'unchanged', plan: 'none', operations: 0, reasons: [], diff: '' }
    }

    const model = reader.read(wanted.text)
    let plan = servers.plan(model)
    // Once all is done: nobody waits for a diff.
    const result = (outcome: ConfigureResult['outcome'], operations = 0): ConfigureResult => {
      const reasons = plan.kind === 'reload' ? plan.reasons : []
      return { outcome, plan: plan.kind, operations, reasons, diff: textDiff(before ?? '', wanted.text) }
    }
    if (dryRun) {
      await this.#check(wanted, model, signal)
      return result('unchanged')
    }

    if (plan.kind !== 'reload') {
      const changes = plan.kind === 'none' ? [] : plan.changes
      try {
        const operations = await this.#changeServers(changes, wanted, model)
        return result(operations === 0 ? 'unchanged' : 'applied', operations)
      } catch (error) {
        logger.warn({ err: error }, 'servers not changed at runtime')
        plan = { kind: 'reload', reasons: [messageOf(error)] }
      }
    }

    await this.#check(wanted, model, signal)
    known.pending = wanted
    return result('reload')
  }

  #asked(input: string): Configuration {
    const { known } = this.#options
    known.pending = undefined
    // A missing last LF is fatal to HAProxy, and Jinja2 strips it.
    return (known.candidate = known.withDigest(input.endsWith('\n') ? input : `${input}\n`))
  }

  /**
   * Reloads with what waits for it, not too soon after the last reload.
   *
   * @throws KontrolError KTL_HAPROXY_RELOAD_FAILED; it still waits if HAProxy was not asked to load it
   */
  async #restart(signal?: AbortSignal): Promise<RestartOutcome> {
    const { known, instance, reader, dryRun } = this.#options
    if (dryRun) return 'unchanged'
    const { pending } = known
    if (pending === undefined) return await instance.ensure()
    try {
      await this.#probe(reader.read(pending.text))
      await this.#awaitInterval(signal)
      known.pending = undefined
      const outcome = await this.#load(pending)
      known.problem.candidate = undefined
      return outcome
    } finally {
      this.#follow()
    }
  }

  /**
   * Lets HAProxy judge a text; the check of the file that follows gives way to it.
   *
   * @throws KontrolError KTL_HAPROXY_CONFIG_REJECTED
   */
  async #check({ text }: Configuration, model: ConfigModel, signal?: AbortSignal): Promise<void> {
    refuseKeywords(model)
    this.#follower.drop()
    try {
      await this.#options.file.check(text, signal)
      // Behind HAProxy's own words, which name a "bind" that is misspelt.
      refuseSilence(this.#options.known.loaded?.model, model)
    } catch (error) {
      this.#follow()
      throw error
    }
    for (const advice of adviceOn(model)) this.#options.logger.warn({ advice }, 'haproxy configuration')
  }

  /** By the runtime API. The file on disk follows, checked behind the change. */
  async #changeServers(changes: readonly PoolChange[], wanted: Configuration, model: ConfigModel): Promise<number> {
    const { known, servers } = this.#options
    const operations = await servers.apply(changes, model)
    known.running = known.lastRunning = wanted
    this.#follower.follow(wanted)
    this.#awaitQuiet()
    return operations
  }

  /** By a reload, or a start; checked before. */
  async #load(configuration: Configuration): Promise<'started' | 'reloaded'> {
    const { known, instance } = this.#options
    this.#follower.drop()
    const outcome = await instance.load(configuration)
    known.lastRunning = configuration
    known.problem.file = undefined
    return outcome
  }

  /** @throws KontrolError KTL_HAPROXY_RELOAD_FAILED when HAProxy could not bind an address of it */
  async #probe(model: ConfigModel): Promise<void> {
    const pids = this.#options.known.worker
    const listeners = pids && (await listenersOf(pids.workerPid))
    // Who listens nowhere has nothing to lose by a reload that fails.
    if (listeners === undefined || listeners.own.length === 0) return
    const problems = await probeBinds(model, listeners)
    if (problems.length === 0) return
    throw new KontrolError('KTL_HAPROXY_RELOAD_FAILED', `The configuration cannot be loaded: ${problems.join('; ')}`, {
      hint: 'Free the address, or change the bind line; HAProxy goes on with what it runs.'
    })
  }

  async #awaitInterval(signal?: AbortSignal): Promise<void> {
    const { clock, reloadIntervalMs } = this.#options
    const waitMs = this.#lastReloadAt + reloadIntervalMs - clock.monotonic()
    if (waitMs > 0) await sleep(waitMs, undefined, signal && { signal })
    this.#lastReloadAt = clock.monotonic()
  }

  /** The file on disk goes after what runs, whatever became of something else. */
  #follow(): void {
    const running = this.#options.known.notPersisted()
    if (running !== undefined) this.#follower.follow(running)
  }

  /** HAProxy's servers are other than ours: a reload puts them right. */
  #reconcile(drift: KontrolError): void {
    const { logger } = this.#options
    logger.error({ err: drift }, 'haproxy drifted, reloading')
    this.#inBackground(async () => await this.#reloadRunning(), this.#alarm(drift))
  }

  /** Loads what runs once more, unless something else is about to be loaded. */
  async #reloadRunning(): Promise<void> {
    const { known, reader } = this.#options
    const { running } = known
    if (running === undefined || known.pending !== undefined) return
    await this.#check(running, reader.read(running.text))
    await this.#awaitInterval()
    await this.#load(running)
  }

  /** HAProxy is back after a death, with the last good file: the servers that were changed since come again. */
  async #catchUp(): Promise<void> {
    const { known, reader, servers, logger } = this.#options
    const lost = known.lastRunning
    if (lost === undefined || lost.text === known.running?.text) return
    const model = reader.read(lost.text)
    const plan = servers.plan(model)
    // Anything else may be what it died of.
    if (plan.kind !== 'runtime') return
    await this.#changeServers(plan.changes, lost, model).catch((error: unknown) =>
      logger.warn({ err: error }, 'servers not changed at runtime')
    )
  }

  /** Servers left over from changes cost memory: once they outnumber those in use, and nobody waits, they go. */
  #awaitQuiet(): void {
    const { clock, quietMs, logger, servers } = this.#options
    this.#quiet()
    this.#quiet = clock.after(quietMs, () => {
      const { live, spare } = servers.count()
      if (spare <= Math.max(live, MIN_SPARES_TO_CLEAR)) return
      logger.info({ live, spare }, 'haproxy is reloaded to clear servers that are left over')
      this.#inBackground(async () => await this.#reloadRunning())
    })
  }

  /** @param told is healed when the task has done its work: what may pass is tried until then */
  #inBackground(task: () => Promise<void>, told?: Problem): void {
    const { known, queue, clock, logger } = this.#options
    this.#retry()
    queue.enqueue(task).then(
      () => {
        this.#backoff.reset()
        if (known.problem.candidate === told) known.problem.candidate = undefined
      },
      (err: unknown) => {
        const problem = (known.problem.candidate = problemOf(err))
        const retryInMs = catalogue[problem.code].retryable ? this.#backoff.next() : undefined
        logger.error({ err, retryInMs }, 'haproxy not brought in line')
        if (retryInMs === undefined || this.#closed) return
        this.#retry = clock.after(retryInMs, () => this.#inBackground(task, problem))
      }
    )
  }

  #alarm(error: unknown): Problem {
    const { known, onAlarm } = this.#options
    const problem = (known.problem.candidate = problemOf(error))
    onAlarm(problem)
    return problem
  }

  /** Keeps the reason of a failure for `problems`. */
  async #noting<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task()
    } catch (error) {
      this.#options.known.problem.candidate = problemOf(error)
      throw error
    }
  }
}
