import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { KontrolError } from '../../errors.ts'
import { Backoff } from '../../platform/backoff.ts'
import type { Cancel, Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import { findMaster, readProcess, type ProcessInfo } from './process-table.ts'
import type { HaproxyCommand, SupervisedProcess, Supervisor, SupervisorHooks } from './supervisor.ts'

const WATCH_MS = 100
/** Between a death and the next start, in a series of failures. */
const RESTART = { firstMs: 500, maxMs: 30_000 }
/** A HAProxy that lived this long is no longer part of a series of failures. */
const STEADY_MS = 10_000
/** Between SIGTERM and SIGKILL. */
const TERM_MS = 2_000
/** From one signal to the next, and between two looks whether it went. */
const REPEAT_MS = 500
const POLL_MS = 20

/**
 * Runs HAProxy as a process of our own making, in a session of its own, so
 * that it stays when we go, and takes up the one that an earlier run left.
 */
export class ChildSupervisor implements Supervisor {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #backoff = new Backoff(RESTART)
  #master: ProcessInfo | undefined
  #startedAt = 0
  #starting: Promise<SupervisedProcess> | undefined
  #timer: Cancel = () => {}
  #ended = false

  constructor({ clock, logger }: { clock: Clock; logger: Logger }) {
    this.#clock = clock
    this.#logger = logger
  }

  pid(): number | undefined {
    return this.#master?.pid
  }

  async start(command: HaproxyCommand, hooks: SupervisorHooks): Promise<SupervisedProcess> {
    if (this.#master !== undefined && (await this.#lives(this.#master))) return { pid: this.#master.pid, adopted: true }
    this.#starting ??= this.#adoptOrLaunch(command, hooks).finally(() => (this.#starting = undefined))
    return await this.#starting
  }

  async stop(graceMs: number, signal?: AbortSignal): Promise<void> {
    this.#letGo()
    const master = this.#master
    if (master === undefined) return
    await this.#end(master, 'SIGUSR1', graceMs, signal)
    await this.#end(master, 'SIGTERM', TERM_MS)
    await this.#end(master, 'SIGKILL', TERM_MS)
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
    this.#timer()
    const running = await findMaster(command.socketArgument)
    const master = running ?? (await this.#launch(command, hooks))
    this.#master = master
    this.#startedAt = this.#clock.now()
    this.#watch(master, command, hooks)
    const { pid } = master
    this.#logger.info({ pid }, running ? 'haproxy adopted' : 'haproxy started')
    return { pid, adopted: running !== undefined }
  }

  async #launch({ binary, args, logFile }: HaproxyCommand, hooks: SupervisorHooks): Promise<ProcessInfo> {
    await hooks.beforeStart()
    const log = await open(logFile, 'a')
    try {
      const child = spawn(binary, args, { detached: true, stdio: ['ignore', log.fd, log.fd] })
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
      await log.close()
    }
  }

  /** Looks instead of waiting for an exit event: an adopted HAProxy is nobody's child here. */
  #watch(master: ProcessInfo, command: HaproxyCommand, hooks: SupervisorHooks): void {
    this.#timer = this.#clock.after(WATCH_MS, () => {
      void this.#lives(master).then((alive) => {
        if (this.#ended || this.#master !== master) return
        if (alive) this.#watch(master, command, hooks)
        else this.#restart(master.pid, command, hooks)
      })
    })
  }

  #restart(pid: number, command: HaproxyCommand, hooks: SupervisorHooks): void {
    this.#master = undefined
    const steady = this.#clock.now() - this.#startedAt > STEADY_MS
    if (steady) this.#backoff.reset()
    const delayMs = steady ? 0 : this.#backoff.next()
    this.#logger.error({ pid, restartInMs: delayMs }, 'haproxy died')
    hooks.died()
    this.#timer = this.#clock.after(delayMs, () => {
      this.start(command, hooks).then(
        () => hooks.restarted(),
        (err: unknown) => {
          this.#logger.error({ err }, 'haproxy cannot be started')
          if (!this.#ended) this.#restart(pid, command, hooks)
        }
      )
    })
  }

  async #lives({ pid, startTime }: ProcessInfo): Promise<boolean> {
    const now = await readProcess(pid)
    return now !== undefined && now.startTime === startTime
  }

  async #end(master: ProcessInfo, name: NodeJS.Signals, patienceMs: number, signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + patienceMs
    while (await this.#lives(master)) {
      try {
        // Again and again: a HAProxy that begins, or that reloads, executes itself anew and loses what it was told before.
        process.kill(master.pid, name)
      } catch {
        // It went between the look and the signal, which is what was wanted.
      }
      const next = Math.min(performance.now() + REPEAT_MS, deadline)
      while (performance.now() < next && !signal?.aborted && (await this.#lives(master))) await sleep(POLL_MS)
      if (performance.now() >= deadline || signal?.aborted) return
    }
  }
}
