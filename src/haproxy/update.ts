import { setTimeout as sleep } from 'node:timers/promises'
import { findKontrolError, messageOf, problemOf, type Problem } from '../errors.ts'
import type { PlanKind } from '../model/reconfiguration.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { TaskQueue } from '../platform/queue.ts'
import { adviceOn, listens, noListener, refuseKeywords } from './config/lint.ts'
import { secretsOf } from './config/masked.ts'
import type { ConfigModel, ConfigReader } from './config/model.ts'
import { shownDiff } from './config/shown-diff.ts'
import { withServersOf, type ReadText } from './config/splice.ts'
import { asFile, type ConfigFile } from './files/config-file.ts'
import { FileFollower } from './files/file-follower.ts'
import { FailedLoads } from './failed-loads.ts'
import type { Instance } from './instance.ts'
import type { Configuration, Known } from './known.ts'
import { refuseTakenAddresses } from './process/bind-probe.ts'
import { listenersOf } from './process/listeners.ts'
import { endedOfItself } from './process/reload.ts'
import { Reconciler } from './reconciler.ts'
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

/** Applies a configuration with the least disruption: runtime API, else reload. */
export class Update {
  readonly #options: UpdateOptions
  readonly #follower: FileFollower
  readonly #reconciler: Reconciler
  readonly #failedLoads: FailedLoads
  #lastReloadAt = -Infinity

  constructor(options: UpdateOptions) {
    const { instance, reader, clock } = options
    this.#options = options
    this.#failedLoads = new FailedLoads(clock)
    this.#follower = new FileFollower({
      ...options,
      proven: () => instance.proven(),
      keep: (configuration) => instance.keep(configuration)
    })
    this.#reconciler = new Reconciler({
      ...options,
      changeServers: (changes, wanted, model) => this.#changeServers(changes, wanted, model),
      reload: async (configuration) => await this.#reload(configuration, await reader.read(configuration.text))
    })
    instance.listen({
      workerDied: (error, configuration) => this.#workerDied(error, configuration),
      notKept: () => this.#follow()
    })
  }

  /** Within the queue, as `restart`. */
  async configure(text: string, signal?: AbortSignal): Promise<ConfigureResult> {
    const result = await this.#noting(async () => await this.#apply(text, signal), signal)
    if (result.outcome !== 'reload') this.#options.known.problem.candidate = undefined
    return result
  }

  /** Within the queue. Nothing is kept of the text. */
  async check(text: string, signal?: AbortSignal): Promise<void> {
    await this.#checkText(asFile(text), await this.#options.reader.read(text), signal).finally(() => this.#follow())
  }

  async restart(signal?: AbortSignal): Promise<RestartOutcome> {
    return await this.#noting(async () => await this.#restart(signal), signal)
  }

  /** HAProxy was taken up or started. */
  started(): void {
    const { known } = this.#options
    known.lastRunning ??= known.running
    this.#follow()
    this.#reconciler.start()
  }

  /** Resolves when what runs has been watched, and is on disk. Not to be awaited within the queue. */
  async settled(): Promise<void> {
    await this.#options.instance.proven()
    await this.#follower.idle()
  }

  close(): void {
    this.#reconciler.close()
    this.#follower.drop()
  }

  /** One wanted configuration: nothing to do, servers changed at runtime, or a reload that waits for `restart`. */
  async #apply(input: string, signal?: AbortSignal): Promise<ConfigureResult> {
    const { known, servers, reader, dryRun, logger } = this.#options
    const before = known.running?.text
    const wanted = this.#takeAsCandidate(input)
    if (wanted.text === before && known.loaded !== undefined) {
      return { outcome: 'unchanged', plan: 'none', operations: 0, reasons: [], diff: '' }
    }

    const model = await reader.read(wanted.text)
    let plan = servers.plan(model)
    // Once all is done: nobody waits for a diff.
    const result = async (outcome: ConfigureResult['outcome'], operations = 0): Promise<ConfigureResult> => {
      const reasons = plan.kind === 'reload' ? plan.reasons : []
      return { outcome, plan: plan.kind, operations, reasons, diff: await shownDiff(before, wanted.text) }
    }
    if (dryRun) {
      await this.#checkAndAdvise(wanted, model, signal)
      return await result('unchanged')
    }

    if (plan.kind !== 'reload') {
      const changes = plan.kind === 'none' ? [] : plan.changes
      try {
        const operations = await this.#changeServers(changes, wanted, model)
        return await result(operations === 0 ? 'unchanged' : 'applied', operations)
      } catch (error) {
        logger.warn({ err: error }, 'servers not changed at runtime')
        // Another worker serves than we thought, after a reload by another hand, and has what it should run: it takes the same change.
        // One that does not answer is replaced by the reload.
        if (await this.#reconciler.look().catch(() => false)) return await this.#apply(input, signal)
        plan = { kind: 'reload', reasons: [messageOf(error)] }
      }
    }

    await this.#failedLoads.refuse(wanted.text, model)
    await this.#checkAndAdvise(wanted, model, signal)
    known.pending = wanted
    return await result('reload')
  }

  #takeAsCandidate(input: string): Configuration {
    const { known } = this.#options
    known.pending = undefined
    return (known.candidate = known.configurationOf(asFile(input)))
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
    const model = await reader.read(pending.text)
    try {
      await refuseTakenAddresses(model, { secrets: await secretsOf(pending.text), worker: known.worker?.workerPid })
      await this.#awaitInterval(signal)
      known.pending = undefined
      const outcome = await this.#load(pending, model)
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
  async #checkAndAdvise({ text }: Configuration, model: ConfigModel, signal?: AbortSignal): Promise<void> {
    try {
      await this.#checkText(text, model, signal)
    } catch (error) {
      this.#follow()
      throw error
    }
    for (const advice of adviceOn(model)) this.#options.logger.warn({ advice }, 'haproxy configuration')
  }

  async #checkText(text: string, model: ConfigModel, signal?: AbortSignal): Promise<void> {
    refuseKeywords(model)
    this.#follower.drop()
    await this.#options.file.check(text, signal)
    // Behind HAProxy's own words, which name a "bind" that is misspelt.
    if (!listens(model) && (await this.#listensNow())) throw noListener()
  }

  /** Whether there is anything to lose for clients; asked of the sockets where it is not known what text runs. */
  async #listensNow(): Promise<boolean> {
    const { known, reader } = this.#options
    const { loaded, lastRunning, worker } = known
    if (loaded !== undefined) return listens(loaded.model)
    if (lastRunning !== undefined) return listens(await reader.read(lastRunning.text))
    return worker !== undefined && (await listenersOf(worker.workerPid)).own.length > 0
  }

  /** By the runtime API. The file on disk follows, checked behind the change. */
  async #changeServers(changes: readonly PoolChange[], wanted: Configuration, model: ConfigModel): Promise<number> {
    const { known, servers } = this.#options
    const operations = await servers.apply(changes, model)
    known.running = known.lastRunning = wanted
    this.#follower.follow(wanted)
    this.#reconciler.awaitQuiet()
    return operations
  }

  /** By a reload, or a start; checked before. */
  async #load(configuration: Configuration, model: ConfigModel): Promise<'started' | 'reloaded'> {
    const { known, instance } = this.#options
    this.#follower.drop()
    try {
      const outcome = await instance.load(configuration)
      known.lastRunning = configuration
      known.problem.file = undefined
      return outcome
    } catch (error) {
      // Who could not be asked to load it has said nothing about it.
      if (findKontrolError(error)?.code !== 'KTL_HAPROXY_UNREACHABLE') this.#failedLoads.failed(model, error, 'refused')
      throw error
    }
  }

  /** With everything that has to be before. */
  async #reload(configuration: Configuration, model: ConfigModel): Promise<void> {
    await this.#checkAndAdvise(configuration, model)
    await this.#awaitInterval()
    await this.#load(configuration, model)
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

  /** It had begun to serve, and the last good configuration is back: it is tried again, and not soon. */
  async #workerDied(error: unknown, configuration: Configuration): Promise<void> {
    const { known, reader, queue } = this.#options
    if (known.lastRunning === configuration) known.lastRunning = known.running
    const model = await reader.read(configuration.text)
    const pauseMs = this.#failedLoads.failed(model, error, endedOfItself(error) ? 'ended' : 'killed')
    this.#reconciler.tryAgain(async () => await this.#tryCandidate(), pauseMs, this.#reconciler.alarm(error))
    void queue.enqueue(async () => await this.#goOn())
  }

  async #tryCandidate(): Promise<void> {
    const { candidate, running } = this.#options.known
    if (candidate === undefined || candidate.text === running?.text) return
    const { outcome } = await this.configure(candidate.text)
    if (outcome === 'reload') await this.restart()
  }

  /** Keeps the reason of a failure for `problems`, and has what runs go on. */
  async #noting<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await task()
    } catch (error) {
      this.#options.known.refuse(problemOf(error))
      if (signal?.aborted !== true) await this.#goOn()
      throw error
    }
  }

  /** A text that cannot be loaded, or not be written to a full disk, keeps no pod away: servers come and go in what runs. */
  async #goOn(): Promise<void> {
    const { known, reader, servers, dryRun, logger } = this.#options
    const { running, candidate } = known
    if (dryRun || running === undefined || candidate === undefined) return
    const read = async ({ text }: Configuration): Promise<ReadText> => ({ text, model: await reader.read(text) })
    const wanted = known.configurationOf(await withServersOf(await read(running), await read(candidate)))
    if (wanted.text === running.text) return
    const model = await reader.read(wanted.text)
    const plan = servers.plan(model)
    try {
      if (plan.kind === 'reload') {
        await this.#failedLoads.refuse(wanted.text, model)
        await this.#reload(wanted, model)
      } else await this.#changeServers(plan.kind === 'none' ? [] : plan.changes, wanted, model)
      logger.info('servers changed in what haproxy runs, as it cannot load what is wanted')
    } catch (err) {
      logger.warn({ err }, 'servers not changed in what haproxy runs')
    }
  }
}
