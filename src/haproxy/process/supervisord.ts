import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../errors.ts'
import type { Cancel, Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import {
  isFault,
  supervisordFaults,
  type ProgramInfo,
  type ProgramState,
  type SupervisordClient
} from '../../platform/supervisord-client.ts'
import { readProcess } from './process-table.ts'
import type { HaproxyCommand, SupervisedProcess, Supervisor, SupervisorHooks } from './supervisor.ts'
import { isStopped, isUp, SupervisordProgram } from './supervisord-program.ts'

export interface SupervisordSupervisorOptions {
  client: SupervisordClient
  clock: Clock
  logger: Logger
  /** Name of the supervisord program that runs HAProxy. */
  program?: string
}

const WATCH_MS = 200
const POLL_MS = 20
const REPEAT_MS = 500
const END_TIMEOUT_MS = 2_000
/** Between a death that supervisord does not heal and the next start: none after the first, then doubling. */
const BACK_OFF_MS = [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000]
/** A HAProxy that lived this long is no longer part of a series of failures. */
const STEADY_MS = 10_000

/**
 * HAProxy as a program of supervisord, which starts it again when it dies and
 * keeps it when we do. We say when it begins and ends, and watch.
 */
export class SupervisordSupervisor implements Supervisor {
  readonly #program: SupervisordProgram
  readonly #clock: Clock
  readonly #logger: Logger
  #pid: number | undefined
  #startedAt = 0
  #deaths = 0
  #startAgainAt = 0
  #answers = true
  #ended = true
  #starting: Promise<SupervisedProcess> | undefined
  #timer: Cancel = () => {}

  constructor({ client, clock, logger, program = 'haproxy' }: SupervisordSupervisorOptions) {
    this.#program = new SupervisordProgram(client, program)
    this.#clock = clock
    this.#logger = logger
  }

  pid(): number | undefined {
    return this.#pid
  }

  /** @throws KontrolError KTL_SUPERVISOR_UNREACHABLE, KTL_SUPERVISOR_REFUSED, KTL_HAPROXY_MISSING, KTL_HAPROXY_RELOAD_FAILED */
  async start(command: HaproxyCommand, hooks: SupervisorHooks): Promise<SupervisedProcess> {
    this.#starting ??= this.#adoptOrStart(command, hooks).finally(() => (this.#starting = undefined))
    return await this.#starting
  }

  async stop(graceMs: number, signal?: AbortSignal): Promise<void> {
    this.#letGo()
    const pid = this.#pid
    await this.#program.askToStop()
    const deadline = performance.now() + graceMs
    while (pid !== undefined && performance.now() < deadline && !signal?.aborted && (await lives(pid))) {
      // Again and again: a HAProxy that begins, or that reloads, executes itself anew and loses what it was told before.
      signalProcess(pid, 'SIGUSR1')
      await this.#untilGone(pid, REPEAT_MS, signal)
    }
    await this.#force(pid)
    this.#pid = undefined
    if (pid !== undefined) this.#logger.info({ pid }, 'haproxy stopped')
  }

  async close(): Promise<void> {
    this.#letGo()
    await this.#starting?.catch(() => {})
    this.#letGo()
  }

  #letGo(): void {
    this.#ended = true
    this.#timer()
  }

  async #adoptOrStart(command: HaproxyCommand, hooks: SupervisorHooks): Promise<SupervisedProcess> {
    this.#timer()
    this.#ended = false
    const { pid: current, state } = await this.#program.info()
    const adopted = isUp(state) && (await lives(current))
    if (!adopted) {
      await this.#program.quiesce()
      await hooks.beforeStart()
      await this.#program.start()
    }
    const pid = await this.#program.untilItRuns(command.socketArgument)
    if (pid !== 0 && this.#pid !== pid) this.#logger.info({ pid }, adopted ? 'haproxy adopted' : 'haproxy started')
    this.#pid = pid === 0 ? undefined : pid
    this.#startedAt = this.#clock.now()
    this.#watch(command, hooks)
    return { pid, adopted }
  }

  #watch(command: HaproxyCommand, hooks: SupervisorHooks): void {
    this.#timer = this.#clock.after(WATCH_MS, () => {
      void this.#poll(command, hooks)
        .then(
          () => (this.#answers = true),
          (error: unknown) => this.#noAnswer(error)
        )
        .then(() => {
          if (!this.#ended && this.#starting === undefined) this.#watch(command, hooks)
        })
    })
  }

  #noAnswer(error: unknown): void {
    // It ends us next, and HAProxy after us.
    if (isFault(error, supervisordFaults.shutdown)) this.#letGo()
    else if (this.#answers) this.#logger.warn({ reason: messageOf(error) }, 'supervisord cannot be asked')
    this.#answers = false
  }

  async #poll(command: HaproxyCommand, hooks: SupervisorHooks): Promise<void> {
    const info = await this.#program.info()
    if (this.#ended || this.#starting !== undefined) return
    if (info.pid !== 0 && info.pid === this.#pid) return
    if (this.#pid !== undefined) this.#tellDeath(this.#pid, info, hooks)
    if (this.#leaveAlone(info.state)) return
    const { adopted } = await this.start(command, hooks)
    if (this.#pid !== undefined) hooks.restarted()
    // Tries of supervisord's own, with files that are still wrong, must not put ours off.
    else if (!adopted) this.#countDeath()
  }

  #leaveAlone(state: ProgramState): boolean {
    if (isUp(state)) return false
    // Someone typed `supervisorctl stop`: they will type `start` as well.
    if (isStopped(state) && !this.#program.stoppedByUs) return true
    return this.#clock.now() < this.#startAgainAt
  }

  #tellDeath(pid: number, { state, reason }: ProgramInfo, hooks: SupervisorHooks): void {
    this.#pid = undefined
    this.#countDeath()
    if (isStopped(state)) this.#logger.warn({ pid }, 'haproxy was stopped in supervisord')
    else this.#logger.error({ pid, state, reason }, 'haproxy died')
    hooks.died()
  }

  #countDeath(): void {
    const now = this.#clock.now()
    this.#deaths = now - this.#startedAt > STEADY_MS ? 0 : this.#deaths + 1
    this.#startAgainAt = now + (BACK_OFF_MS[Math.min(this.#deaths, BACK_OFF_MS.length - 1)] ?? 0)
  }

  async #force(pid: number | undefined): Promise<void> {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (pid === undefined || !(await lives(pid))) return
      signalProcess(pid, signal)
      await this.#untilGone(pid, END_TIMEOUT_MS)
    }
  }

  async #untilGone(pid: number, patienceMs: number, signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + patienceMs
    while (performance.now() < deadline && !signal?.aborted && (await lives(pid))) {
      await sleep(POLL_MS)
    }
  }
}

function signalProcess(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(pid, signal)
  } catch {
    // It went before the signal came, which is what was wanted.
  }
}

async function lives(pid: number): Promise<boolean> {
  return (await readProcess(pid)) !== undefined
}
