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
import { endProcess } from './end-process.ts'
import { readProcess } from './process-table.ts'
import {
  RestartDelay,
  type HaproxyCommand,
  type SupervisedProcess,
  type Supervisor,
  type SupervisorHooks
} from './supervisor.ts'
import { isStopped, isUp, SupervisordProgram } from './supervisord-program.ts'

export interface SupervisordSupervisorOptions {
  client: SupervisordClient
  clock: Clock
  logger: Logger
  /** Name of the supervisord program that runs HAProxy. */
  program?: string
}

const WATCH_MS = 200

/**
 * HAProxy as a program of supervisord, which starts it again when it dies and
 * keeps it when we do. We say when it begins and ends, and watch.
 */
export class SupervisordSupervisor implements Supervisor {
  readonly #program: SupervisordProgram
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #delay: RestartDelay
  #pid: number | undefined
  #startAgainAt = 0
  #answers = true
  #ended = true
  #starting: Promise<SupervisedProcess> | undefined
  #timer: Cancel = () => {}

  constructor({ client, clock, logger, program = 'haproxy' }: SupervisordSupervisorOptions) {
    this.#program = new SupervisordProgram(client, program)
    this.#clock = clock
    this.#logger = logger
    this.#delay = new RestartDelay(clock)
  }

  pid(): number | undefined {
    return this.#pid
  }

  /** @throws KontrolError KTL_SUPERVISOR_UNREACHABLE, KTL_SUPERVISOR_REFUSED, KTL_HAPROXY_MISSING, KTL_HAPROXY_RELOAD_FAILED */
  async start(command: HaproxyCommand, hooks: SupervisorHooks): Promise<SupervisedProcess> {
    this.#starting ??= this.#adoptOrStart(command, hooks).finally(() => {
      this.#starting = undefined
      // Also when it failed: supervisord may start it yet, or be asked again.
      if (!this.#ended) this.#watch(command, hooks)
    })
    return await this.#starting
  }

  async stop(graceMs: number, signal?: AbortSignal): Promise<void> {
    this.#letGo()
    const pid = this.#pid
    await this.#program.askToStop()
    const running = pid === undefined ? undefined : await readProcess(pid)
    if (running !== undefined) await endProcess(running, graceMs, signal)
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
    this.#ended = false
    const { pid: current, state } = await this.#program.info()
    const adopted = isUp(state) && (await readProcess(current)) !== undefined
    if (!adopted) {
      await this.#program.quiesce()
      await hooks.beforeStart()
      await this.#program.start()
    }
    const pid = await this.#program.untilItRuns(command.socketArgument)
    if (pid !== 0 && this.#pid !== pid) this.#logger.info({ pid }, adopted ? 'haproxy adopted' : 'haproxy started')
    this.#pid = pid === 0 ? undefined : pid
    this.#delay.started()
    return { pid, adopted }
  }

  #watch(command: HaproxyCommand, hooks: SupervisorHooks): void {
    this.#timer()
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
    const started = await this.start(command, hooks).catch((err: unknown) => {
      if (isFault(err, supervisordFaults.shutdown)) throw err
      this.#logger.error({ err, restartInMs: this.#putOff() }, 'haproxy cannot be started')
    })
    if (this.#pid !== undefined) hooks.restarted()
    // Tries of supervisord's own, with files that are still wrong, must not put ours off.
    else if (started?.adopted === false) this.#putOff()
  }

  #leaveAlone(state: ProgramState): boolean {
    if (isUp(state)) return false
    // Someone typed `supervisorctl stop`: they will type `start` as well.
    if (isStopped(state) && !this.#program.stoppedByUs) return true
    return this.#clock.monotonic() < this.#startAgainAt
  }

  #tellDeath(pid: number, { state, reason }: ProgramInfo, hooks: SupervisorHooks): void {
    this.#pid = undefined
    this.#putOff()
    if (isStopped(state)) this.#logger.warn({ pid }, 'haproxy was stopped in supervisord')
    else this.#logger.error({ pid, state, reason }, 'haproxy died')
    hooks.died()
  }

  #putOff(): number {
    const delayMs = this.#delay.next()
    this.#startAgainAt = this.#clock.monotonic() + delayMs
    return delayMs
  }
}
