import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { KontrolError } from '../../errors.ts'
import type { Cancel, Clock } from '../../platform/clock.ts'
import { APPEND_FLAGS } from '../../platform/files/plain-file.ts'
import { haproxyEnvironment } from '../../platform/process/haproxy-environment.ts'
import type { Logger } from '../../platform/logger.ts'
import { endProcess, lives } from './end-process.ts'
import { findMaster, readProcess, type ProcessInfo } from '../process/process-table.ts'
import {
  RestartDelay,
  type HaproxyCommand,
  type SupervisedProcess,
  type Supervisor,
  type SupervisorHooks
} from './supervisor.ts'

const WATCH_MS = 100

/**
 * Runs HAProxy as a process of our own making, in a session of its own, so
 * that it stays when we go, and takes up the one that an earlier run left.
 */
export class ChildSupervisor implements Supervisor {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #delay: RestartDelay
  #master: ProcessInfo | undefined
  #starting: Promise<SupervisedProcess> | undefined
  #timer: Cancel = () => {}
  #ended = false

  constructor({ clock, logger }: { clock: Clock; logger: Logger }) {
    this.#clock = clock
    this.#logger = logger
    this.#delay = new RestartDelay(clock)
  }

  pid(): number | undefined {
    return this.#master?.pid
  }

  served(): void {
    this.#delay.served()
  }

  async start(command: HaproxyCommand, hooks: SupervisorHooks): Promise<SupervisedProcess> {
    if (this.#master !== undefined && (await lives(this.#master))) return { pid: this.#master.pid, adopted: true }
    this.#starting ??= this.#adoptOrLaunch(command, hooks).finally(() => (this.#starting = undefined))
    return await this.#starting
  }

  async stop(graceMs: number, signal?: AbortSignal): Promise<void> {
    this.#letGo()
    const master = this.#master
    if (master === undefined) return
    await endProcess(master, graceMs, signal)
    this.#master = undefined
    this.#logger.info({ pid: master.pid }, 'haproxy stopped')
  }

  async close(): Promise<void> {
    this.#letGo()
    await this.#starting?.catch(() => {})
  }

  #letGo(): void {
    this.#ended = true
    this.#timer()
  }

  async #adoptOrLaunch(command: HaproxyCommand, hooks: SupervisorHooks): Promise<SupervisedProcess> {
    this.#ended = false
    const running = await findMaster(command.socketArgument)
    const master = running ?? (await this.#launch(command, hooks))
    this.#keep(master, command, hooks)
    const { pid } = master
    this.#logger.info({ pid }, running ? 'haproxy adopted' : 'haproxy started')
    return { pid, adopted: running !== undefined }
  }

  /** Not before: a start that fails leaves the next one, which is due, as it is. */
  #keep(master: ProcessInfo, command: HaproxyCommand, hooks: SupervisorHooks): void {
    this.#timer()
    this.#master = master
    this.#delay.started()
    this.#watch(master, command, hooks)
  }

  async #launch({ binary, args, logFile }: HaproxyCommand, hooks: SupervisorHooks): Promise<ProcessInfo> {
    await hooks.beforeStart()
    // A disk that takes no line is no reason not to serve.
    const log = await open(logFile, APPEND_FLAGS).catch((err: unknown) => {
      this.#logger.warn({ err }, 'haproxy starts without its log')
    })
    try {
      const child = spawn(binary, args, {
        detached: true,
        // Its configuration can print any of it.
        env: haproxyEnvironment(process.env),
        stdio: ['ignore', log?.fd ?? 'ignore', log?.fd ?? 'ignore']
      })
      await once(child, 'spawn')
      child.unref()
      const pid = child.pid ?? 0
      // Gone already: the watch below notices, and the log has said why.
      return (await readProcess(pid)) ?? { pid, parentPid: process.pid, startTime: '' }
    } catch (cause) {
      throw new KontrolError('KTL_HAPROXY_MISSING', `The HAProxy binary "${binary}" cannot be run`, {
        cause,
        hint: 'Install HAProxy 2.6 or later, or name its path in KONTROL_HAPROXY.'
      })
    } finally {
      await log?.close()
    }
  }

  /** Looks instead of waiting for an exit event: an adopted HAProxy is nobody's child here. */
  #watch(master: ProcessInfo, command: HaproxyCommand, hooks: SupervisorHooks): void {
    this.#timer = this.#clock.after(WATCH_MS, () => {
      void lives(master).then((alive) => {
        if (this.#ended || this.#master !== master) return
        if (alive) this.#watch(master, command, hooks)
        else this.#restart(master.pid, command, hooks)
      })
    })
  }

  #restart(pid: number, command: HaproxyCommand, hooks: SupervisorHooks): void {
    this.#master = undefined
    const restartInMs = this.#delay.next()
    this.#logger.error({ pid, restartInMs }, 'haproxy died')
    hooks.died()
    this.#startAfter(restartInMs, command, hooks)
  }

  #startAfter(delayMs: number, command: HaproxyCommand, hooks: SupervisorHooks): void {
    this.#timer = this.#clock.after(delayMs, () => {
      this.start(command, hooks).then(
        () => hooks.restarted(),
        (err: unknown) => {
          if (this.#ended) return
          const restartInMs = this.#delay.next()
          this.#logger.error({ err, restartInMs }, 'haproxy cannot be started')
          this.#startAfter(restartInMs, command, hooks)
        }
      )
    })
  }
}
