import { writeFileAtomic } from '../platform/atomic-file.ts'
import type { Logger } from '../platform/logger.ts'
import type { ConfigFile } from './files/config-file.ts'
import type { ConfigModel, ConfigReader } from './config/model.ts'
import type { HaproxyPaths } from './files/paths.ts'
import type { Configuration, KnownWorker } from './known-worker.ts'
import { listenersOf } from './process/listeners.ts'
import type { Servers } from './servers/servers.ts'
import { serverStateFile } from './servers/server-state-file.ts'
import type { HaproxyLog } from './process/log.ts'
import type { MasterCli } from './socket/master-cli.ts'
import { problemOf, type Problem } from './problem.ts'
import type { Reloader, WorkerPids } from './process/reload.ts'
import type { TaskQueue } from '../platform/queue.ts'
import type { SynGuard } from './process/syn-guard.ts'
import type { HaproxyCommand, Supervisor, SupervisorHooks } from './process/supervisor.ts'

export interface InstanceOptions {
  paths: Pick<HaproxyPaths, 'serverState'>
  command: HaproxyCommand
  supervisor: Supervisor
  file: ConfigFile
  log: HaproxyLog
  master: MasterCli
  reloader: Reloader
  synGuard: SynGuard
  servers: Servers
  worker: KnownWorker
  reader: ConfigReader
  /** The driver's: what starts by itself after a death waits for its turn there. */
  queue: TaskQueue
  logger: Logger
  /** It is back after a death, or was found not to live: whoever knows what it should run may say so again. */
  onWorkerDied: (error: unknown) => void
  onRestarted: () => void
}

/** Old workers beyond this are worth a warning. */
const OLD_WORKERS_TO_WARN = 5

/** The HAProxy that runs. Every text it loads is proven to serve, or the last good one is put back. */
export class Instance {
  readonly #options: InstanceOptions
  #problem: Problem | undefined
  /** What the next start shall try in place of the last good text. */
  #trial: string | undefined
  /** What the present master was started with, if this program has seen that. */
  #startedWith: string | undefined
  /** The worker that is still watched, and the end of that. */
  #unproven: { pids: WorkerPids; end: Promise<void> } | undefined

  constructor(options: InstanceOptions) {
    this.#options = options
  }

  problems(): Problem[] {
    if (this.#problem !== undefined) return [this.#problem]
    if (this.#options.supervisor.pid() !== undefined) return []
    return [
      {
        code: 'KTL_HAPROXY_UNREACHABLE',
        message: 'HAProxy is not running',
        hint: 'Read haproxy/haproxy.log in the data folder, if it does not come back by itself within seconds.'
      }
    ]
  }

  /**
   * Takes up the HAProxy that runs, or starts one with the last good configuration.
   *
   * @throws KontrolError KTL_HAPROXY_RELOAD_FAILED, KTL_HAPROXY_MISSING
   */
  async ensure(): Promise<'unchanged' | 'started'> {
    try {
      const outcome = await this.#ensure()
      this.#problem = undefined
      return outcome
    } catch (error) {
      this.#problem = problemOf(error)
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
    const model = this.#options.reader.read(configuration.text)
    try {
      const { outcome, pids } = await this.#load(configuration.text, model)
      await this.#options.worker.loaded(configuration, model, pids)
      this.#watch(configuration, pids)
      this.#problem = undefined
      this.#options.logger.info({ outcome, ...pids }, 'haproxy loaded a new configuration')
      await this.#countOldWorkers()
      return outcome
    } catch (error) {
      await this.rollBack(error)
      throw error
    }
  }

  /** Each holds its memory until its last connection ends; `hard-stop-after` of base.cfg ends them at last. */
  async #countOldWorkers(): Promise<void> {
    const { master, logger } = this.#options
    const table = await master.showProcesses().catch(() => undefined)
    const pids = table?.oldWorkers.map(({ pid }) => pid) ?? []
    if (pids.length > OLD_WORKERS_TO_WARN) logger.warn({ pids }, 'many old haproxy workers still have connections')
  }

  /** Resolves when the worker that serves has been watched long enough. */
  async proven(): Promise<void> {
    await this.#unproven?.end
  }

  async stop(graceMs: number, signal?: AbortSignal): Promise<void> {
    await this.#options.supervisor.stop(graceMs, signal)
    this.#forget()
  }

  async #ensure(): Promise<'unchanged' | 'started'> {
    const { supervisor, command, file, log, reader, reloader, worker } = this.#options
    const mark = await log.size()
    const { adopted, pid } = await supervisor.start(command, this.#hooks)
    if (adopted && pid === worker.pids()?.masterPid) return 'unchanged'
    const pids = await reloader.started(mark)
    const lastGood = worker.withDigest(await file.restore())
    worker.serves(pids)
    if (this.#startedWith === lastGood.text) await worker.loaded(lastGood, reader.read(lastGood.text), pids)
    else await worker.adopt(lastGood, pids)
    return adopted ? 'unchanged' : 'started'
  }

  async #load(text: string, model: ConfigModel) {
    const { supervisor, command, file, log, reloader, synGuard, worker } = this.#options
    await this.#handOverState(model)
    await file.install(text)
    if (supervisor.pid() === undefined) {
      const mark = await log.size()
      this.#trial = text
      await supervisor.start(command, this.#hooks).finally(() => (this.#trial = undefined))
      if (this.#startedWith === text) return { outcome: 'started' as const, pids: await reloader.started(mark) }
      // Its supervisor was faster, and began with the last good file.
      await file.install(text)
    }
    const { own } = await listenersOf(worker.pids()?.workerPid ?? 0)
    const ports = own.map(({ port }) => port)
    return { outcome: 'reloaded' as const, pids: await synGuard.during(ports, async () => await reloader.reload()) }
  }

  /** Not having it costs a server that is down a moment of traffic, and no more. */
  async #handOverState(model: ConfigModel): Promise<void> {
    const { servers, logger, paths } = this.#options
    const states = await servers.states().catch((err: unknown) => {
      logger.warn({ err }, 'health of the servers not read')
      return []
    })
    await writeFileAtomic(paths.serverState, serverStateFile(states, model))
  }

  /** What goes wrong behind a worker's fork goes wrong at once, but not before it has answered. */
  #watch(configuration: Configuration, pids: WorkerPids): void {
    const { reloader, queue, worker, logger } = this.#options
    const unproven = { pids, end: Promise.resolve() }
    const isLast = (): boolean => this.#unproven === unproven
    unproven.end = reloader
      .survived(pids)
      .then(
        () => queue.enqueue(async () => (isLast() ? await worker.keep(configuration) : undefined)),
        (error: unknown) => queue.enqueue(async () => (isLast() ? await this.#workerDied(pids, error) : undefined))
      )
      .catch((err: unknown) => logger.error({ err }, 'the last good configuration cannot be kept'))
      .finally(() => {
        if (isLast()) this.#unproven = undefined
      })
    this.#unproven = unproven
  }

  async #workerDied(pids: WorkerPids, error: unknown): Promise<void> {
    if (this.#options.worker.pids() === pids) await this.rollBack(error)
    this.#options.onWorkerDied(error)
  }

  /** Back to the last good configuration, with as little of HAProxy touched as that takes. */
  async rollBack(cause: unknown): Promise<void> {
    const { file, logger, master, reader, reloader, worker } = this.#options
    logger.error({ err: cause }, 'haproxy reload failed, going back to the last good configuration')
    const former = worker.pids()
    const lastGood = worker.withDigest(await file.restore())
    try {
      await this.ensure()
      const { worker: serving } = await master.showProcesses()
      const untouched = serving !== undefined && serving.pid === worker.pids()?.workerPid
      if (untouched || worker.pids() !== former) return
      await worker.loaded(lastGood, reader.read(lastGood.text), await reloader.reload())
    } catch (err) {
      this.#forget()
      logger.error({ err }, 'haproxy does not run the last good configuration')
    }
  }

  readonly #hooks: SupervisorHooks = {
    beforeStart: async () => {
      this.#startedWith = this.#trial ?? (await this.#options.file.restore())
      this.#trial = undefined
      await writeFileAtomic(this.#options.paths.serverState, serverStateFile([], { pools: new Map() }))
    },
    died: () => this.#forget(),
    restarted: () => {
      const { queue, logger, onRestarted } = this.#options
      queue
        .enqueue(async () => await this.ensure())
        .then(onRestarted)
        .catch((err: unknown) => logger.error({ err }, 'haproxy is not answering'))
    }
  }

  #forget(): void {
    this.#options.worker.forget()
    this.#startedWith = undefined
  }
}
