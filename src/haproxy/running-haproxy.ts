import type { Logger } from '../platform/logger.ts'
import { digestOf, readMarker, writeMarker } from './applied-marker.ts'
import type { ConfigFile } from './config-file.ts'
import type { HaproxyLog } from './haproxy-log.ts'
import type { MasterCli } from './master-cli.ts'
import { problemOf, type Problem } from './problem.ts'
import type { Reloader, ServingProof } from './reload.ts'
import type { SerialQueue } from './serial-queue.ts'
import type { HaproxyCommand, Supervisor, SupervisorHooks } from './supervisor.ts'

/** A configuration and its name: SHA-256 in hex, over base.cfg and the operator's text. */
export interface Configuration {
  text: string
  digest: string
}

export interface RunningHaproxyOptions {
  /** Text of base.cfg. */
  base: string
  /** Path of applied.json. */
  marker: string
  command: HaproxyCommand
  supervisor: Supervisor
  file: ConfigFile
  log: HaproxyLog
  master: MasterCli
  reloader: Reloader
  /** The driver's: what starts by itself after a death waits for its turn there. */
  queue: SerialQueue
  logger: Logger
}

/**
 * The HAProxy that runs, and what it is known to run. Every text it loads is
 * proven to serve, or the last good one is put back.
 */
export class RunningHaproxy {
  readonly #options: RunningHaproxyOptions
  #configuration: Configuration | undefined
  #proof: ServingProof | undefined
  #problem: Problem | undefined
  /** What the next start shall try in place of the last good text. */
  #trial: string | undefined
  /** What the present master was started with, if this program has seen that. */
  #startedWith: string | undefined

  constructor(options: RunningHaproxyOptions) {
    this.#options = options
  }

  /** Undefined while HAProxy is away, or runs something that is not known. */
  configuration(): Configuration | undefined {
    return this.#configuration
  }

  /** Undefined while HAProxy is away. */
  pids(): ServingProof | undefined {
    return this.#proof
  }

  problems(): Problem[] {
    if (this.#problem !== undefined) return [this.#problem]
    if (this.#options.supervisor.pid() !== undefined) return []
    return [{ code: 'KTL_HAPROXY_UNREACHABLE', message: 'HAProxy is not running' }]
  }

  named(text: string): Configuration {
    return { text, digest: digestOf(this.#options.base, text) }
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
   * none to reload.
   *
   * @throws KontrolError KTL_HAPROXY_RELOAD_FAILED; the last good configuration is back
   */
  async load(configuration: Configuration): Promise<'started' | 'reloaded'> {
    try {
      const outcome = await this.#load(configuration.text)
      await this.settle(configuration)
      this.#problem = undefined
      this.#options.logger.info({ outcome, ...this.#proof }, 'haproxy loaded a new configuration')
      return outcome
    } catch (error) {
      await this.#rollBack(error)
      throw error
    }
  }

  /** HAProxy runs what the file on disk says: keeps that, in an order in which a crash between two steps does no harm. */
  async settle(configuration: Configuration): Promise<void> {
    await this.#options.file.keep()
    if (this.#proof) await this.#mark(configuration, this.#proof)
  }

  async stop(graceMs: number, signal?: AbortSignal): Promise<void> {
    await this.#options.supervisor.stop(graceMs, signal)
    this.#forget()
  }

  async #ensure(): Promise<'unchanged' | 'started'> {
    const { supervisor, command, file, log, logger, marker, reloader } = this.#options
    const mark = await log.size()
    const { adopted, pid } = await supervisor.start(command, this.#hooks)
    if (adopted && pid === this.#proof?.masterPid) return 'unchanged'
    const proof = await reloader.started({ mark, settle: false })
    const configuration = this.named(await file.restore())
    this.#proof = proof
    const known = this.#startedWith === configuration.text || (await isMarked(marker, configuration, proof))
    if (known) await this.#mark(configuration, proof)
    else logger.warn(proof, 'what haproxy runs is not known, the next configuration reloads it')
    return adopted ? 'unchanged' : 'started'
  }

  async #load(text: string): Promise<'started' | 'reloaded'> {
    const { supervisor, command, file, log, reloader } = this.#options
    await file.install(text)
    if (supervisor.pid() === undefined) {
      const mark = await log.size()
      this.#trial = text
      await supervisor.start(command, this.#hooks).finally(() => (this.#trial = undefined))
      if (this.#startedWith === text) {
        this.#proof = await reloader.started({ mark, settle: true })
        return 'started'
      }
      // Its supervisor was faster, and began with the last good file.
      await file.install(text)
    }
    this.#proof = await reloader.reload()
    return 'reloaded'
  }

  async #rollBack(cause: unknown): Promise<void> {
    const { file, logger, master, reloader } = this.#options
    logger.error({ err: cause }, 'haproxy reload failed, going back to the last good configuration')
    const former = this.#proof
    await file.restore()
    try {
      await this.ensure()
      const { worker } = await master.showProcesses()
      const untouched = worker !== undefined && worker.pid === this.#proof?.workerPid
      if (!untouched && this.#proof === former) this.#proof = await reloader.reload()
    } catch (err) {
      this.#forget()
      logger.error({ err }, 'haproxy does not run the last good configuration')
    }
  }

  async #mark(configuration: Configuration, proof: ServingProof): Promise<void> {
    await writeMarker(this.#options.marker, { ...proof, digest: configuration.digest })
    this.#configuration = configuration
  }

  readonly #hooks: SupervisorHooks = {
    beforeStart: async () => {
      this.#startedWith = this.#trial ?? (await this.#options.file.restore())
      this.#trial = undefined
    },
    died: () => this.#forget(),
    revived: () => {
      const { queue, logger } = this.#options
      queue
        .run(async () => await this.ensure())
        .catch((err: unknown) => logger.error({ err }, 'haproxy does not serve'))
    }
  }

  #forget(): void {
    this.#configuration = undefined
    this.#proof = undefined
    this.#startedWith = undefined
  }
}

/** Whether this very worker was proven to run this text, before this program was started anew. */
async function isMarked(path: string, { digest }: Configuration, { workerPid }: ServingProof): Promise<boolean> {
  const marker = await readMarker(path)
  return marker !== undefined && marker.workerPid === workerPid && marker.digest === digest
}
