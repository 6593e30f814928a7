import { mkdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { findKontrolError, KontrolError, messageOf } from '../errors.ts'
import type { PlanKind } from '../model/reconfiguration.ts'
import { writeFileAtomic } from '../platform/atomic-file.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { adviceOn } from './advice.ts'
import { baseConfig } from './base-config.ts'
import { probeBinds } from './bind-probe.ts'
import { ConfigFile } from './config-file.ts'
import { parseConfig } from './config-parser.ts'
import { HaproxyLog } from './haproxy-log.ts'
import { haproxyPaths, type HaproxyPaths } from './haproxy-paths.ts'
import { readStatus, type HaproxyStatus } from './haproxy-status.ts'
import { listenersOf } from './listeners.ts'
import { MasterCli } from './master-cli.ts'
import { planChange, type Plan } from './plan.ts'
import { problemOf, type Problem } from './problem.ts'
import { refusedKeywords } from './refused-keywords.ts'
import { Reloader } from './reload.ts'
import { RunningHaproxy, type Configuration } from './running-haproxy.ts'
import { RuntimeApi } from './runtime-api.ts'
import { SerialQueue } from './serial-queue.ts'
import type { Supervisor } from './supervisor.ts'
import { textDiff } from './text-diff.ts'
import { detectVersion } from './version.ts'

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
}

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

export interface RestartResult {
  outcome: 'unchanged' | 'started' | 'reloaded'
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
  readonly #base: string
  readonly #file: ConfigFile
  readonly #log: HaproxyLog
  readonly #master: MasterCli
  readonly #runtime: RuntimeApi
  readonly #haproxy: RunningHaproxy
  readonly #queue = new SerialQueue()
  #candidate: Configuration | undefined
  /** Checked, and waiting for a reload. */
  #pending: Configuration | undefined
  /** Why the candidate does not run. */
  #problem: Problem | undefined
  #lastReloadAt = -Infinity

  /** @throws KontrolError KTL_CONFIG_INVALID when the data folder is too deep for unix sockets */
  constructor(options: HaproxyDriverOptions) {
    const { dataFolder, binary, supervisor, clock, logger } = options
    this.#options = options
    this.#paths = haproxyPaths(dataFolder)
    const { base, config, masterSocket, runtimeSocket, marker, log: logFile } = this.#paths
    this.#base = baseConfig(this.#paths)
    this.#file = new ConfigFile(this.#paths, binary)
    this.#log = new HaproxyLog({ path: logFile, clock, logger })
    this.#master = new MasterCli(masterSocket)
    this.#runtime = new RuntimeApi(runtimeSocket)
    const socketArgument = `${masterSocket},mode,600,level,admin`
    this.#haproxy = new RunningHaproxy({
      base: this.#base,
      marker,
      command: { binary, args: ['-W', '-db', '-S', socketArgument, '-f', base, '-f', config], socketArgument, logFile },
      supervisor,
      file: this.#file,
      log: this.#log,
      master: this.#master,
      reloader: new Reloader({
        master: this.#master,
        runtime: this.#runtime,
        log: this.#log,
        masterPid: () => supervisor.pid()
      }),
      queue: this.#queue,
      logger
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
    await this.#makeFolder()
    if (dryRun) return
    await this.#log.start()
    try {
      await this.#queue.run(async () => await this.#haproxy.ensure())
    } catch (err) {
      if (findKontrolError(err)?.retryable !== true) throw err
      logger.error({ err }, 'haproxy does not serve')
    }
  }

  /**
   * Checks a configuration, and applies it when that takes no reload.
   *
   * @throws KontrolError KTL_HAPROXY_CONFIG_REJECTED; HAProxy goes on with what it runs
   */
  async configure(text: string, signal?: AbortSignal): Promise<ConfigureResult> {
    return await this.#queue.run(async () => {
      const result = await this.#noting(async () => await this.#configure(text, signal))
      if (result.outcome !== 'reload') this.#problem = undefined
      return result
    })
  }

  /**
   * Reloads HAProxy with the configuration that waits for it; without one, makes
   * sure that HAProxy runs.
   *
   * @throws KontrolError KTL_HAPROXY_RELOAD_FAILED; HAProxy is back at the last good configuration
   */
  async restart(signal?: AbortSignal): Promise<RestartResult> {
    return await this.#queue.run(async () => {
      const outcome = await this.#noting(async () => await this.#restart(signal))
      const { masterPid, workerPid } = this.#haproxy.pids() ?? {}
      return { outcome, masterPid, workerPid }
    })
  }

  /** Undefined while HAProxy is away, or runs something that is not known. */
  running(): Configuration | undefined {
    return this.#haproxy.configuration()
  }

  /** The last configuration that was asked for, good or bad. */
  candidate(): Configuration | undefined {
    return this.#candidate
  }

  /** Why HAProxy does not run what it should; empty when it does. */
  problems(): Problem[] {
    const candidate = this.#problem === undefined ? [] : [this.#problem]
    return this.#options.dryRun === true ? candidate : [...this.#haproxy.problems(), ...candidate]
  }

  /** @throws KontrolError KTL_HAPROXY_UNREACHABLE while HAProxy is away */
  async status(): Promise<HaproxyStatus> {
    return { ...(await readStatus(this.#master, this.#runtime)), problems: this.problems() }
  }

  /** Lets HAProxy finish its connections and ends it; by force when that takes too long, or when aborted. */
  async stop(signal?: AbortSignal): Promise<void> {
    const { stopGraceMs = 30_000 } = this.#options
    await this.#queue.run(async () => await this.#haproxy.stop(stopGraceMs, signal))
  }

  /** Lets go of HAProxy, which runs on. */
  async close(): Promise<void> {
    await this.#queue.run(async () => await this.#options.supervisor.close())
    await this.#log.close()
  }

  async #makeFolder(): Promise<void> {
    try {
      await mkdir(this.#paths.folder, { recursive: true })
      await writeFileAtomic(this.#paths.base, this.#base)
    } catch (cause) {
      throw new KontrolError('KTL_DATA_UNWRITABLE', `${this.#paths.folder} cannot be written: ${messageOf(cause)}`, {
        cause,
        hint: 'Set KONTROL_DATA to a folder that this user may write.'
      })
    }
  }

  async #configure(input: string, signal?: AbortSignal): Promise<ConfigureResult> {
    // A missing last LF is fatal to HAProxy, and Jinja2 strips it.
    const wanted = this.#haproxy.named(input.endsWith('\n') ? input : `${input}\n`)
    const running = this.#haproxy.configuration()?.text
    this.#candidate = wanted
    this.#pending = undefined
    const plan = planChange(running, wanted.text)
    if (wanted.text === running) return resultOf(plan, 'unchanged', '')
    const parsed = parseConfig(wanted.text)
    refuse(refusedKeywords(parsed))
    await this.#file.check(wanted.text, signal)
    for (const advice of adviceOn(parsed)) this.#options.logger.warn({ advice }, 'haproxy configuration')
    const diff = textDiff(running ?? '', wanted.text)
    if (this.#options.dryRun === true) return resultOf(plan, 'unchanged', diff)
    if (plan.kind === 'reload') {
      this.#pending = wanted
      return resultOf(plan, 'reload', diff)
    }
    await this.#file.install(wanted.text)
    await this.#haproxy.settle(wanted)
    return resultOf(plan, 'unchanged', diff)
  }

  async #restart(signal?: AbortSignal): Promise<RestartResult['outcome']> {
    const pending = this.#pending
    if (this.#options.dryRun === true) return 'unchanged'
    if (pending === undefined) return await this.#haproxy.ensure()
    const worker = this.#haproxy.pids()?.workerPid
    const held = worker === undefined ? [] : await listenersOf(worker)
    const problems = await probeBinds(parseConfig(pending.text), held)
    if (problems.length > 0) {
      const words = problems.join('; ')
      throw new KontrolError('KTL_HAPROXY_RELOAD_FAILED', `The configuration cannot be loaded: ${words}`, {
        hint: 'Free the address, or change the bind line; HAProxy goes on with what it runs.'
      })
    }
    await this.#awaitInterval(signal)
    this.#pending = undefined
    const outcome = await this.#haproxy.load(pending)
    this.#problem = undefined
    return outcome
  }

  async #awaitInterval(signal?: AbortSignal): Promise<void> {
    const { clock, reloadIntervalMs } = this.#options
    const waitMs = this.#lastReloadAt + reloadIntervalMs - clock.now()
    if (waitMs > 0) await sleep(waitMs, undefined, signal && { signal })
    this.#lastReloadAt = clock.now()
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
