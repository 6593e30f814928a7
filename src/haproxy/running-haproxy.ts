import { writeFileAtomic } from '../platform/atomic-file.ts'
import type { Logger } from '../platform/logger.ts'
import { digestOf, readMarker, writeMarker } from './applied-marker.ts'
import type { ConfigFile } from './config-file.ts'
import type { ConfigImage, ImageReader } from './config-image.ts'
import type { HaproxyPaths } from './haproxy-paths.ts'
import { listenersOf } from './listeners.ts'
import type { LiveServers } from './live-servers.ts'
import { serverStateFile } from './server-state-file.ts'
import type { HaproxyLog } from './haproxy-log.ts'
import type { MasterCli } from './master-cli.ts'
import { problemOf, type Problem } from './problem.ts'
import type { Reloader, ServingProof } from './reload.ts'
import type { SerialQueue } from './serial-queue.ts'
import type { SynGuard } from './syn-guard.ts'
import type { HaproxyCommand, Supervisor, SupervisorHooks } from './supervisor.ts'

/** A configuration and its name: SHA-256 in hex, over base.cfg and the operator's text. */
export interface Configuration {
  readonly text: string
  readonly digest: string
}

export interface RunningHaproxyOptions {
  /** Text of base.cfg. */
  base: string
  paths: Pick<HaproxyPaths, 'marker' | 'serverState'>
  command: HaproxyCommand
  supervisor: Supervisor
  file: ConfigFile
  log: HaproxyLog
  master: MasterCli
  reloader: Reloader
  synGuard: SynGuard
  servers: LiveServers
  reader: ImageReader
  /** The driver's: what starts by itself after a death waits for its turn there. */
  queue: SerialQueue
  logger: Logger
  /** It is back after a death, or was found not to live: whoever knows what it should run may say so again. */
  onFall: (error: unknown) => void
  onRevival: () => void
}

/** Old workers beyond this are worth a warning. */
const HANDFUL = 5

/**
 * The HAProxy that runs, and what it is known to run. Every text it loads is
 * proven to serve, or the last good one is put back.
 */
export class RunningHaproxy {
  readonly #options: RunningHaproxyOptions
  #configuration: Configuration | undefined
  /** What is on disk for the next start, or will be once its worker has been watched. */
  #kept: Configuration | undefined
  #proof: ServingProof | undefined
  #problem: Problem | undefined
  /** What the next start shall try in place of the last good text. */
  #trial: string | undefined
  /** What the present master was started with, if this program has seen that. */
  #startedWith: string | undefined
  /** The worker that is still watched, and the end of that. */
  #unproven: { proof: ServingProof; end: Promise<void> } | undefined

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
    return [
      {
        code: 'KTL_HAPROXY_UNREACHABLE',
        message: 'HAProxy is not running',
        hint: 'Read haproxy/haproxy.log in the data folder, if it does not come back by itself within seconds.'
      }
    ]
  }

  named(text: string): Configuration {
    const { base } = this.#options
    let digest: string | undefined
    return {
      text,
      // On demand: a change of one server does not wait for it.
      get digest() {
        return (digest ??= digestOf(base, text))
      }
    }
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
    const image = this.#options.reader.read(configuration.text)
    try {
      const { outcome, proof } = await this.#load(configuration.text, image)
      await this.#begun(configuration, image, proof)
      this.#watch(configuration, proof)
      this.#problem = undefined
      this.#options.logger.info({ outcome, ...proof }, 'haproxy loaded a new configuration')
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
    if (pids.length > HANDFUL) logger.warn({ pids }, 'many old haproxy workers still have connections')
  }

  /** HAProxy has been brought to this without a reload. */
  changedTo(configuration: Configuration): void {
    this.#configuration = configuration
  }

  /** What runs and is not on its way to the disk. */
  unkept(): Configuration | undefined {
    return this.#configuration === this.#kept ? undefined : this.#configuration
  }

  /** Resolves when the worker that serves has been watched long enough. */
  async proven(): Promise<void> {
    await this.#unproven?.end
  }

  /** Puts a checked text of the worker that serves on disk, for the next start. */
  async keep(configuration: Configuration): Promise<void> {
    await this.#options.file.install(configuration.text)
    await this.#options.file.keep()
    this.#kept = configuration
  }

  async stop(graceMs: number, signal?: AbortSignal): Promise<void> {
    await this.#options.supervisor.stop(graceMs, signal)
    this.#forget()
  }

  async #ensure(): Promise<'unchanged' | 'started'> {
    const { supervisor, command, file, log, reader, reloader } = this.#options
    const mark = await log.size()
    const { adopted, pid } = await supervisor.start(command, this.#hooks)
    if (adopted && pid === this.#proof?.masterPid) return 'unchanged'
    const proof = await reloader.started(mark)
    const lastGood = this.named(await file.restore())
    this.#proof = proof
    if (this.#startedWith === lastGood.text) await this.#begun(lastGood, reader.read(lastGood.text), proof)
    else await this.#adopt(lastGood, proof)
    return adopted ? 'unchanged' : 'started'
  }

  /** A worker of an earlier run of this program: it may have been changed since it loaded its file. */
  async #adopt(lastGood: Configuration, proof: ServingProof): Promise<void> {
    const { file, paths, servers, reader, logger } = this.#options
    const loaded = this.named((await file.loaded()) ?? '')
    const marker = await readMarker(paths.marker)
    const marked = marker?.workerPid === proof.workerPid && marker.digest === loaded.digest
    const changes = marked ? await servers.adopt(proof.workerPid, reader.read(loaded.text)) : undefined
    if (changes === undefined) {
      servers.forget()
      logger.warn(proof, 'what haproxy runs is not known, the next configuration reloads it')
      return
    }
    const texts = changes === 0 ? [loaded, lastGood] : [lastGood]
    this.#configuration = texts.find(({ text }) => servers.plan(reader.read(text)).kind === 'none')
    if (this.#configuration === lastGood) this.#kept = lastGood
    logger.info({ ...proof, changes }, 'haproxy taken up as it was left')
  }

  async #load(text: string, image: ConfigImage) {
    const { supervisor, command, file, log, reloader, synGuard } = this.#options
    await this.#handOverState(image)
    await file.install(text)
    if (supervisor.pid() === undefined) {
      const mark = await log.size()
      this.#trial = text
      await supervisor.start(command, this.#hooks).finally(() => (this.#trial = undefined))
      if (this.#startedWith === text) return { outcome: 'started' as const, proof: await reloader.started(mark) }
      // Its supervisor was faster, and began with the last good file.
      await file.install(text)
    }
    const ports = (await listenersOf(this.#proof?.workerPid ?? 0)).map(({ port }) => port)
    return { outcome: 'reloaded' as const, proof: await synGuard.during(ports, async () => await reloader.reload()) }
  }

  /** Not having it costs a server that is down a moment of traffic, and no more. */
  async #handOverState(image: ConfigImage): Promise<void> {
    const { servers, logger, paths } = this.#options
    const states = await servers.states().catch((err: unknown) => {
      logger.warn({ err }, 'health of the servers not read')
      return []
    })
    await writeFileAtomic(paths.serverState, serverStateFile(states, image))
  }

  /** In an order in which a crash between two steps does no harm: the marker, which makes all count, comes last. */
  async #begun(configuration: Configuration, image: ConfigImage, proof: ServingProof): Promise<void> {
    const { file, servers, paths } = this.#options
    await file.keepLoaded()
    servers.begin(proof.workerPid, image)
    await writeMarker(paths.marker, { ...proof, digest: configuration.digest })
    this.#proof = proof
    this.#configuration = configuration
    this.#kept = configuration
  }

  /** What goes wrong behind a worker's fork goes wrong at once, but not before it has answered. */
  #watch(configuration: Configuration, proof: ServingProof): void {
    const { reloader, queue, logger } = this.#options
    const unproven = { proof, end: Promise.resolve() }
    const isLast = (): boolean => this.#unproven === unproven
    unproven.end = reloader
      .survived(proof)
      .then(
        () => queue.run(async () => (isLast() ? await this.keep(configuration) : undefined)),
        (error: unknown) => queue.run(async () => (isLast() ? await this.#fell(proof, error) : undefined))
      )
      .catch((err: unknown) => logger.error({ err }, 'the last good configuration cannot be kept'))
      .finally(() => {
        if (isLast()) this.#unproven = undefined
      })
    this.#unproven = unproven
  }

  async #fell(proof: ServingProof, error: unknown): Promise<void> {
    if (this.#proof === proof) await this.rollBack(error)
    this.#options.onFall(error)
  }

  /** Back to the last good configuration, with as little of HAProxy touched as that takes. */
  async rollBack(cause: unknown): Promise<void> {
    const { file, logger, master, reader, reloader } = this.#options
    logger.error({ err: cause }, 'haproxy reload failed, going back to the last good configuration')
    const former = this.#proof
    const lastGood = this.named(await file.restore())
    try {
      await this.ensure()
      const { worker } = await master.showProcesses()
      const untouched = worker !== undefined && worker.pid === this.#proof?.workerPid
      if (untouched || this.#proof !== former) return
      await this.#begun(lastGood, reader.read(lastGood.text), await reloader.reload())
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
    revived: () => {
      const { queue, logger, onRevival } = this.#options
      queue
        .run(async () => await this.ensure())
        .then(onRevival)
        .catch((err: unknown) => logger.error({ err }, 'haproxy does not serve'))
    }
  }

  #forget(): void {
    this.#options.servers.forget()
    this.#configuration = undefined
    this.#kept = undefined
    this.#proof = undefined
    this.#startedWith = undefined
  }
}
