import { findKontrolError, KontrolError, messageOf, type Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { baseConfig } from './files/base-config.ts'
import { Backends, type BackendEvent } from './backends.ts'
import { Certificates } from './files/certificates.ts'
import { Update, type ConfigureResult, type RestartOutcome } from './update.ts'
import { ChangeJournal } from './servers/change-journal.ts'
import { ConfigSecrets } from './files/config-secrets.ts'
import { ConfigFile, NO_CONFIG } from './files/config-file.ts'
import { ConfigReader } from './config/model.ts'
import { HaproxyLog } from './process/log.ts'
import { fileArguments, haproxyPaths, masterSocketArgument, type HaproxyPaths } from './files/paths.ts'
import { counted, StatusReader, type HaproxyStatus } from './socket/status.ts'
import { Known, type Configuration } from './known.ts'
import { Servers, type ServerStateChange } from './servers/servers.ts'
import { MasterCli } from './socket/master-cli.ts'
import { Pulse } from './process/pulse.ts'
import { Reloader } from './process/reload.ts'
import { Instance } from './instance.ts'
import { replaceHaproxy, replaceWorker } from './replacement.ts'
import { RuntimeApi } from './socket/runtime-api.ts'
import { TaskQueue } from '../platform/queue.ts'
import { noLongerThan } from '../platform/patience.ts'
import { SharedWork } from '../platform/shared-work.ts'
import { noSynGuard, type SynGuard } from './process/syn-guard.ts'
import type { HaproxyCommand, Supervisor } from './supervisor/supervisor.ts'
import { detectVersion, featuresOf } from './process/version.ts'

export interface HaproxyDriverOptions {
  /** Absolute path of `KONTROL_DATA`. */
  dataFolder: string
  binary: string
  supervisor: Supervisor
  clock: Clock
  logger: Logger
  /** Least milliseconds between two reloads. */
  reloadIntervalMs: number
  /** Check and plan, change nothing. */
  dryRun?: boolean
  /** Milliseconds HAProxy may take to finish its connections when it is stopped. */
  stopGraceMs?: number
  /** Milliseconds without a change after which servers left over in HAProxy are cleared by a reload. */
  quietMs?: number
  /** Has new connections wait during a reload; none unless told otherwise. */
  synGuard?: SynGuard
  /** HAProxy was found not to run what it should, or could not start with it; `problems` says so too. */
  onAlarm?: (problem: Problem) => void
}

/** Milliseconds that an end waits for the file on disk to be what runs, and then for its turn. */
const SETTLE_MS = 4_000
const TURN_MS = 2_000

export interface RestartResult {
  outcome: RestartOutcome
  masterPid: number | undefined
  workerPid: number | undefined
}

/**
 * Keeps HAProxy running with the configuration it is given, and believes only
 * what HAProxy shows. Changes are applied one after another.
 */
export class HaproxyDriver {
  readonly #options: HaproxyDriverOptions
  readonly #paths: HaproxyPaths
  readonly #file: ConfigFile
  readonly #log: HaproxyLog
  /** HAProxy writes megabytes about ten thousand servers, and ten pages may ask. */
  readonly #status: SharedWork<HaproxyStatus>
  readonly #known: Known
  readonly #servers: Servers
  readonly #instance: Instance
  readonly #update: Update
  readonly #certificates: Certificates
  readonly #backends: Backends
  readonly #pulse: Pulse
  readonly #queue = new TaskQueue()

  /** @throws KontrolError KTL_CONFIG_INVALID when the data folder is too deep for unix sockets */
  constructor(options: HaproxyDriverOptions) {
    const { dataFolder, binary, supervisor, clock, logger, reloadIntervalMs } = options
    const { dryRun = false, quietMs = 60_000, onAlarm = () => {}, synGuard = noSynGuard } = options
    this.#options = options
    const paths = (this.#paths = haproxyPaths(dataFolder))
    const base = baseConfig(paths, '')
    const secrets = new ConfigSecrets(paths)
    const hide = async (words: string): Promise<string> => await secrets.hide(words)
    const log = (this.#log = new HaproxyLog({ path: paths.log, pid: () => supervisor.pid(), clock, logger, hide }))
    const master = new MasterCli(paths.masterSocket)
    const runtime = new RuntimeApi(paths.runtimeSocket)
    const reader = new StatusReader({ master, runtime, clock, hide, isUp: () => this.isUp })
    this.#status = new SharedWork(async () => await this.#readStatus(reader))
    const known = (this.#known = new Known(base))
    const shared = { known, runtime, queue: this.#queue, clock, logger, onAlarm }
    const servers = (this.#servers = new Servers({ ...shared, journal: new ChangeJournal(paths.journal, logger) }))
    const file = (this.#file = new ConfigFile(paths, binary))
    const configs = { file, reader: new ConfigReader() }
    const reloader = new Reloader({ master, runtime, log, supervisor, logger })
    const instance = (this.#instance = new Instance({
      ...shared,
      ...configs,
      ...{ paths, supervisor, reloader, log, master, servers, synGuard },
      command: commandOf(binary, paths)
    }))
    this.#update = new Update({ ...shared, ...configs, servers, instance, reloadIntervalMs, dryRun, quietMs })
    this.#certificates = new Certificates(shared)
    this.#backends = new Backends(shared)
    const parts = { known, instance, reloader, runtime, logger }
    this.#pulse = new Pulse({
      ...{ known, supervisor, master, runtime, clock, logger },
      replaceWorker: () => this.#ifWatched(async () => await replaceWorker(parts)),
      replaceHaproxy: () => this.#ifWatched(async () => await replaceHaproxy(parts))
    })
  }

  /**
   * Takes up the HAProxy that runs, or starts one with the last good
   * configuration. May be called again. One that will not serve is a problem to show and not an
   * error: the next configuration may heal it.
   *
   * @throws KontrolError KTL_HAPROXY_MISSING, KTL_DATA_UNWRITABLE
   */
  async start(): Promise<void> {
    const { binary, dryRun = false, logger } = this.#options
    const version = await detectVersion(binary)
    logger.info({ version: version.text }, 'haproxy found')
    this.#servers.use(featuresOf(version))
    await this.#makeFolder()
    if (dryRun) return
    await this.#log.start()
    this.#certificates.start()
    this.#backends.start()
    this.#pulse.start()
    await this.#options.synGuard?.clear()
    try {
      await this.#queue.enqueue(async () => await this.#instance.ensure())
      this.#update.started()
    } catch (err) {
      if (findKontrolError(err)?.retryable !== true) throw err
      logger.error({ err }, 'haproxy is not answering')
    }
  }

  /**
   * Applies a configuration at once where only servers differ; the file that follows is checked behind. Else checks it, and it
   * waits for `restart`.
   *
   * @throws KontrolError KTL_HAPROXY_CONFIG_REJECTED; HAProxy goes on with what it runs
   */
  async configure(text: string, signal?: AbortSignal): Promise<ConfigureResult> {
    return await this.#queue.enqueue(async () => await this.#update.configure(text, signal))
  }

  /**
   * Lets HAProxy judge a text, of which nothing else comes.
   *
   * @throws KontrolError KTL_HAPROXY_CONFIG_REJECTED, KTL_HAPROXY_NO_LISTENER
   */
  async check(text: string, signal?: AbortSignal): Promise<void> {
    await this.#queue.enqueue(async () => await this.#update.check(text, signal))
  }

  /** What `configure` was given last is not wanted any more, and nothing has come in its place. */
  withdraw(): void {
    this.#known.withdraw()
  }

  /**
   * Reloads HAProxy with the configuration that waits for it; without one, makes
   * sure that HAProxy runs.
   *
   * @throws KontrolError KTL_HAPROXY_RELOAD_FAILED; HAProxy is back at the last good configuration
   */
  async restart(signal?: AbortSignal): Promise<RestartResult> {
    return await this.#queue.enqueue(async () => {
      const outcome = await this.#update.restart(signal)
      const { masterPid, workerPid } = this.#known.worker ?? {}
      return { outcome, masterPid, workerPid }
    })
  }

  get isUp(): boolean {
    return this.#options.supervisor.pid() !== undefined
  }

  /** Whether HAProxy has been given anything to serve: on a new machine, not before the first configuration. */
  get isConfigured(): boolean {
    const running = this.#known.running
    return running !== undefined && running.text !== NO_CONFIG
  }

  /** Undefined while HAProxy is away, or runs something that is not known. */
  running(): Configuration | undefined {
    return this.#known.running
  }

  /** The last configuration that HAProxy was to be given, good or bad. */
  candidate(): Configuration | undefined {
    return this.#known.candidate
  }

  /** Why HAProxy does not run what it should; empty when it does. */
  problems(): Problem[] {
    const { candidate, file } = this.#known.problem
    const instance = this.#options.dryRun === true ? [] : this.#instance.problems()
    return [...instance, ...this.#pulse.problems(), candidate, file, ...this.#certificates.problems()].filter(
      (problem) => problem !== undefined
    )
  }

  /** What keeps clients from being served although HAProxy runs what it should. */
  findings(): Problem[] {
    const finding = this.#backends.finding()
    return finding === undefined ? [] : [finding]
  }

  /** Backends that clients are sent to, without a server that takes requests. */
  unusableBackends(): readonly string[] {
    return this.#backends.unusable
  }

  subscribeBackends(listener: (event: BackendEvent) => void): void {
    this.#backends.subscribe(listener)
  }

  /** @throws KontrolError KTL_HAPROXY_UNREACHABLE while HAProxy is away */
  async status(): Promise<HaproxyStatus> {
    return await this.#status.ask()
  }

  async #readStatus(reader: StatusReader): Promise<HaproxyStatus> {
    const status = await reader.read()
    const proxies = await counted(await this.#servers.marked(status.proxies))
    return { ...status, proxies, problems: this.problems() }
  }

  /** @throws KontrolError KTL_SERVER_NOT_FOUND, KTL_HAPROXY_UNREACHABLE */
  async setServerState(change: ServerStateChange): Promise<void> {
    await this.#queue.enqueue(async () => await this.#servers.setState(change))
    this.#options.logger.info(change, 'server state set by hand')
  }

  /** Lets HAProxy finish its connections and ends it; by force when that takes too long, or when aborted. */
  async stop(signal?: AbortSignal): Promise<void> {
    const { stopGraceMs = 30_000 } = this.#options
    // Its sockets go before it does.
    this.#pulse.close()
    if (signal?.aborted !== true) await this.#settled()
    await this.#inTurn(async () => await this.#instance.stop(stopGraceMs, signal))
  }

  /** Lets go of HAProxy, which runs on. */
  async close(): Promise<void> {
    await this.#settled()
    this.#pulse.close()
    this.#update.close()
    this.#file.close()
    this.#certificates.close()
    this.#backends.close()
    this.#servers.forget()
    await this.#inTurn(async () => await this.#options.supervisor.close())
    await this.#log.close()
  }

  /** In its turn, and not when HAProxy has been told to stop, or was let go, by then. */
  async #ifWatched(task: () => Promise<void>): Promise<void> {
    await this.#queue.enqueue(async () => {
      if (!this.#pulse.closed) await task()
    })
  }

  /** A stop that was asked for is no fall: what serves is kept for the next start. */
  async #settled(): Promise<void> {
    await noLongerThan(SETTLE_MS, this.#update.settled())
  }

  /** What hangs in front of an end does not put it off for long. */
  async #inTurn(task: () => Promise<void>): Promise<void> {
    let run: Promise<void> | undefined
    const begin = async (): Promise<void> => await (run ??= task())
    await noLongerThan(TURN_MS, this.#queue.enqueue(begin))
    await begin()
  }

  async #makeFolder(): Promise<void> {
    try {
      await this.#file.prepare()
    } catch (cause) {
      throw new KontrolError('KTL_DATA_UNWRITABLE', `${this.#paths.folder} cannot be written: ${messageOf(cause)}`, {
        cause,
        hint: 'Set KONTROL_DATA to a folder that this user may write.'
      })
    }
  }
}

function commandOf(binary: string, paths: HaproxyPaths): HaproxyCommand {
  const { config, log: logFile } = paths
  const socketArgument = masterSocketArgument(paths)
  const args = ['-W', '-db', '-S', socketArgument, ...fileArguments(paths, config)]
  return { binary, args, socketArgument, logFile }
}
