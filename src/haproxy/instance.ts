import type { Logger } from '../platform/logger.ts'
import type { TaskQueue } from '../platform/queue.ts'
import type { ConfigModel, ConfigReader } from './config/model.ts'
import type { ConfigFile } from './files/config-file.ts'
import { restore } from './files/restore.ts'
import type { HaproxyPaths } from './files/paths.ts'
import { writeWorkerRecord } from './files/worker-record.ts'
import type { Configuration, Known } from './known.ts'
import { problemOf, type Problem } from '../errors.ts'
import { letOthersFinish } from './supervisor/end-process.ts'
import { listenersOf } from './process/listeners.ts'
import type { HaproxyLog } from './process/log.ts'
import { countOldWorkers } from './process/old-workers.ts'
import type { Reloader, WorkerPids } from './process/reload.ts'
import { notRunning, type HaproxyCommand, type Supervisor, type SupervisorHooks } from './supervisor/supervisor.ts'
import type { SynGuard } from './process/syn-guard.ts'
import { HandOver } from './servers/hand-over.ts'
import type { Servers } from './servers/servers.ts'
import type { MasterCli } from './socket/master-cli.ts'
import { takeOver } from './take-over.ts'

export interface InstanceOptions {
  known: Known
  paths: Pick<HaproxyPaths, 'serverState' | 'workerRecord'>
  command: HaproxyCommand
  supervisor: Supervisor
  file: ConfigFile
  log: HaproxyLog
  master: MasterCli
  reloader: Reloader
  synGuard: SynGuard
  servers: Servers
  reader: ConfigReader
  /** The driver's: what starts by itself after a death waits for its turn there. */
  queue: TaskQueue
  logger: Logger
}

export interface InstanceListeners {
  /** A worker that had begun to serve did not live; the last good configuration is back. */
  workerDied(error: unknown, configuration: Configuration): Promise<void>
  /** HAProxy is back after a death: whoever knows what it should run may say so again. */
  restarted(): void
  /** What serves could not be written to disk, for the next start. */
  notKept(): void
}

/** A look must not hold up the changes that wait behind it. */
const LOOK_MS = 500
/** Nor must a worker that another hand has begun, and that hangs: the next change reloads. */
const ANSWERING_MS = 3_000

/** The HAProxy that runs. Every text it loads is proven to serve, or the last good one is put back. */
export class Instance {
  readonly #options: InstanceOptions
  readonly #handOver: HandOver
  /** What the next start shall try in place of the last good text. */
  #trial: string | undefined
  /** What the present master was started with, if this program has seen that. */
  #startedWith: string | undefined
  /** The worker that is still watched, and the end of that. */
  #unproven: { end: Promise<void> } | undefined
  /** When its worker was last seen to be the one that serves, as `performance.now()` counts. */
  #seenAt = -Infinity
  readonly #listeners: InstanceListeners = { workerDied: async () => {}, restarted: () => {}, notKept: () => {} }

  constructor(options: InstanceOptions) {
    this.#options = options
    this.#handOver = new HandOver(options.paths.serverState, options.logger)
  }

  listen(listeners: Partial<InstanceListeners>): void {
    Object.assign(this.#listeners, listeners)
  }

  problems(): Problem[] {
    const { known, supervisor } = this.#options
    if (known.problem.instance !== undefined) return [known.problem.instance]
    return supervisor.pid() === undefined ? [notRunning] : []
  }

  /**
   * Takes up the HAProxy that runs, or starts one with the last good configuration.
   *
   * @throws KontrolError KTL_HAPROXY_RELOAD_FAILED, KTL_HAPROXY_MISSING
   */
  async ensure(): Promise<'unchanged' | 'started'> {
    const { known, supervisor } = this.#options
    try {
      const outcome = await this.#ensure()
      supervisor.served()
      known.problem.instance = undefined
      return outcome
    } catch (error) {
      known.problem.instance = problemOf(error)
      throw error
    }
  }

  /**
   * Makes HAProxy load a checked text, by a reload, or by a start when there is
   * none to reload. It serves then; that it goes on to is watched in the background.
   *
   * @throws KontrolError KTL_HAPROXY_RELOAD_FAILED; the last good configuration is back
   */
  async load(configuration: Configuration): Promise<'started' | 'reloaded'> {
    const { known, logger, master, reader, supervisor } = this.#options
    const model = await reader.read(configuration.text)
    // Nothing has been touched yet, and there is nothing to go back from.
    if (supervisor.pid() !== undefined) await this.#options.reloader.reachableOrEnded()
    try {
      const { outcome, pids } = await this.#load(configuration.text, model)
      supervisor.served()
      await this.#loaded(configuration, model, pids)
      this.#watch(configuration, pids)
      known.problem.instance = undefined
      logger.info({ outcome, ...pids }, 'haproxy loaded a new configuration')
      await countOldWorkers(master, logger)
      return outcome
    } catch (error) {
      await this.#rollBack(error)
      throw error
    }
  }

  /** Puts a checked text of what runs on disk, for the next start. */
  async keep(configuration: Configuration): Promise<void> {
    const { file, known } = this.#options
    known.kept = undefined
    await file.keep(configuration.text)
    known.kept = configuration
  }

  /** Resolves when the worker that serves has been watched long enough. */
  async proven(): Promise<void> {
    await this.#unproven?.end
  }

  /**
   * Whether another hand has had HAProxy load its file again. `taken up`: the new worker is known, as what lay there
   * then is known.
   */
  async look(): Promise<'as known' | 'taken up' | 'unknown'> {
    const { known, master, reloader, file, reader, servers, logger } = this.#options
    const former = known.worker
    const at = performance.now()
    // While the master re-executes itself, it refuses connections.
    const table = former && (await master.showProcesses(LOOK_MS).catch(() => undefined))
    if (former === undefined || table?.worker === undefined || table.master.pid !== former.masterPid) return 'as known'
    if (table.worker.pid === former.workerPid) {
      this.#seenAt = at
      return 'as known'
    }
    const text = await file.installedSince(this.#seenAt)
    const pids = await reloader.answering(undefined, ANSWERING_MS)
    logger.warn({ ...pids, former: former.workerPid }, 'haproxy was reloaded by another hand')
    if (text === undefined) {
      servers.forget()
      known.worker = pids
      return 'unknown'
    }
    const configuration = known.configurationOf(text)
    await this.#loaded(configuration, await reader.read(text), pids)
    servers.readBack()
    this.#watch(configuration, pids)
    return 'taken up'
  }

  async stop(graceMs: number, signal?: AbortSignal): Promise<void> {
    await this.#options.supervisor.stop(graceMs, signal)
    this.#forget()
  }

  async #ensure(): Promise<'unchanged' | 'started'> {
    const { supervisor, command, file, known, log, logger, reader } = this.#options
    const mark = await log.size()
    const { adopted, pid } = await supervisor.start(command, this.#hooks)
    if (adopted && pid === known.worker?.masterPid) return 'unchanged'
    if (adopted && (await this.#options.reloader.finishes())) return await this.#takeBack(pid)
    const pids = await this.#started(mark, adopted)
    const lastGood = known.configurationOf(await restore(file, logger))
    known.worker = pids
    // Left by one that was killed in the middle of a reload: HAProxy warns of it in each check.
    await this.#handOver.empty()
    if (this.#startedWith === lastGood.text) await this.#loaded(lastGood, await reader.read(lastGood.text), pids)
    else await takeOver(this.#options, lastGood, pids)
    return adopted ? 'unchanged' : 'started'
  }

  /** Somebody told it to finish. */
  async #takeBack(pid: number): Promise<'started'> {
    const { file, known, logger, reader, reloader } = this.#options
    const lastGood = known.configurationOf(await restore(file, logger))
    await this.#handOver.empty()
    logger.warn({ pid }, 'haproxy was told to finish, and is reloaded to serve')
    await this.#loaded(lastGood, await reader.read(lastGood.text), await reloader.reload())
    return 'started'
  }

  async #started(mark: number, adopted?: boolean): Promise<WorkerPids> {
    const pids = await this.#options.reloader.started(mark, adopted)
    await letOthersFinish(this.#options.command.socketArgument, pids.masterPid, this.#options.logger)
    return pids
  }

  async #load(text: string, model: ConfigModel) {
    const { supervisor, command, file, known, log, reloader, synGuard } = this.#options
    await file.prepare()
    await this.#handOver.prepare(this.#options.servers, model)
    await file.install(text)
    if (supervisor.pid() === undefined) {
      const mark = await log.size()
      this.#trial = text
      await supervisor.start(command, this.#hooks).finally(() => (this.#trial = undefined))
      if (this.#startedWith === text) return { outcome: 'started' as const, pids: await this.#started(mark) }
      // Its supervisor was faster, and began with the last good file.
      await file.install(text)
    }
    const ports = (await listenersOf(known.worker?.workerPid ?? 0)).own.map(({ port }) => port)
    const pids = await file.namingSocketsAnew(supervisor.pid() ?? 0, async () => {
      return await synGuard.during(ports, async () => await reloader.reload())
    })
    return { outcome: 'reloaded' as const, pids }
  }

  /**
   * The worker has begun with this configuration. In an order in which a crash between
   * two steps does no harm: the record, which makes all count, comes last.
   */
  async #loaded(configuration: Configuration, model: ConfigModel, pids: WorkerPids): Promise<void> {
    const { file, known, servers, paths, logger } = this.#options
    const { digest } = configuration
    // It serves: that the disk takes no note of it costs the next control tier one reload, and no more.
    const notNoted = (err: unknown): false => {
      logger.warn({ err }, 'what haproxy loaded is not noted')
      return false
    }
    const linked = await file.keepLoaded().then(() => true, notNoted)
    // HAProxy has read it.
    await this.#handOver.empty()
    await servers.begin(pids.workerPid, model)
    if (linked) await writeWorkerRecord(paths.workerRecord, { ...pids, digest }).catch(notNoted)
    known.worker = pids
    known.running = known.kept = configuration
    this.#seenAt = performance.now()
  }

  /** What goes wrong behind a worker's fork goes wrong at once, but not before it has answered. */
  #watch(configuration: Configuration, pids: WorkerPids): void {
    const { known, reloader, queue, logger } = this.#options
    const unproven = { end: Promise.resolve() }
    const watched = async (): Promise<void> => {
      const verdict = await reloader.survived(pids).catch((error: unknown) => ({ error }))
      await queue.enqueue(async () => {
        // Where another hand has had it loaded again meanwhile, the worker that did so is the one to be watched.
        if (this.#unproven !== unproven || verdict === false) return
        if (verdict === true) return await this.keep(configuration)
        if (known.worker === pids) await this.#rollBack(verdict.error)
        await this.#listeners.workerDied(verdict.error, configuration)
      })
    }
    this.#unproven = unproven
    unproven.end = watched()
      .catch((err: unknown) => {
        logger.error({ err }, 'the last good configuration cannot be kept')
        this.#listeners.notKept()
      })
      .finally(() => {
        if (this.#unproven === unproven) this.#unproven = undefined
      })
  }

  /** Back to the last good configuration, with as little of HAProxy touched as that takes. */
  async #rollBack(cause: unknown): Promise<void> {
    const { file, known, logger, master, reader, reloader } = this.#options
    logger.error({ err: cause }, 'haproxy reload failed, going back to the last good configuration')
    const former = known.worker
    const lastGood = known.configurationOf(await restore(file, logger))
    try {
      await this.ensure()
      const { worker: serving } = await master.showProcesses()
      const untouched = serving !== undefined && serving.pid === known.worker?.workerPid
      if (untouched || known.worker !== former) return
      await this.#loaded(lastGood, await reader.read(lastGood.text), await reloader.reload())
    } catch (err) {
      // One that lives and cannot be reached is replaced by who asks whether it answers.
      const { worker } = known
      this.#forget()
      if (worker?.masterPid === this.#options.supervisor.pid()) known.worker = worker
      logger.error({ err }, 'haproxy does not run the last good configuration')
    }
  }

  readonly #hooks: SupervisorHooks = {
    beforeStart: async () => {
      this.#startedWith = this.#trial ?? (await restore(this.#options.file, this.#options.logger))
      this.#trial = undefined
      await this.#handOver.empty()
    },
    died: () => this.#forget(),
    restarted: () => {
      const { queue, logger } = this.#options
      queue
        .enqueue(async () => await this.ensure())
        .then(() => this.#listeners.restarted())
        .catch((err: unknown) => logger.error({ err }, 'haproxy is not answering'))
    }
  }

  #forget(): void {
    this.#options.servers.forget()
    this.#options.known.forgetWorker()
    this.#startedWith = undefined
  }
}
