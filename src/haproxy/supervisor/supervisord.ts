import { messageOf } from '../../errors.ts'
import type { Cancel, Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import {
  isFault,
  supervisordFaults,
  type ProgramInfo,
  type ProgramState,
  type SupervisordClient
} from '../../platform/process/supervisord-client.ts'
import { endProcess, lives } from './end-process.ts'
import { readProcess, type ProcessInfo } from '../process/process-table.ts'
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
/** As `haproxy.sh` has it: a stop that is half of a restart is followed by the start at once, and HAProxy serves until that. */
const SUCCESSOR_WITHIN_MS = 5_000

/**
 * HAProxy as a program of supervisord, which starts it again when it dies and
 * keeps it when we do. We say when it begins and ends, and watch.
 *
 * The program is HAProxy itself, or, as in the image, the shell of `haproxy.sh`, with which a restart refuses nobody.
 */
export class SupervisordSupervisor implements Supervisor {
  readonly #program: SupervisordProgram
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #delay: RestartDelay
  #master: ProcessInfo | undefined
  /** Of the program, as supervisord knows it. */
  #programPid = 0
  /** It ran already when we took it up: a try of supervisord's own, when it does not last. */
  #adopted = false
  /** A stop was seen since it was started: what ends it then is someone's hand. */
  #toldToStop = false
  /** Since when it has been stopped, while HAProxy serves on. */
  #stoppedSince: number | undefined
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
    return this.#master?.pid
  }

  served(): void {
    this.#delay.served()
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
    const master = this.#master
    try {
      await this.#program.askToStop()
    } finally {
      // Also when supervisord is gone.
      this.#master = undefined
      if (master !== undefined) await endProcess(master, graceMs, signal)
    }
    if (master !== undefined) this.#logger.info({ pid: master.pid }, 'haproxy stopped')
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
    return await this.#keep(command, adopted)
  }

  async #keep({ socketArgument }: HaproxyCommand, adopted: boolean): Promise<SupervisedProcess> {
    const { pid, master } = await this.#program.untilItRuns(socketArgument)
    if (master === undefined || this.#master?.pid !== master.pid) {
      this.#delay.started()
      if (master !== undefined) this.#logger.info({ pid: master.pid }, adopted ? 'haproxy adopted' : 'haproxy started')
    }
    this.#programPid = pid
    this.#master = master
    this.#adopted = adopted
    this.#toldToStop = false
    this.#stoppedSince = undefined
    return { pid: master?.pid ?? 0, adopted }
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
    this.#toldToStop ||= isStopped(info.state)
    const former = this.#master
    if (former !== undefined) {
      if (info.pid !== 0 && info.pid === this.#programPid) return
      const serves = await lives(former)
      if (this.#awaitsSuccessor(info.state) && serves) return
      this.#tellEnd(former, info, serves, hooks)
    }
    if (!this.#leaveAlone(info.state)) await this.#startAgain(command, hooks)
  }

  async #startAgain(command: HaproxyCommand, hooks: SupervisorHooks): Promise<void> {
    const started = await this.start(command, hooks).catch((err: unknown) => {
      if (isFault(err, supervisordFaults.shutdown)) throw err
      this.#logger.error({ err, restartInMs: this.#putOff() }, 'haproxy cannot be started')
    })
    if (this.#master !== undefined) hooks.restarted()
    // Tries of supervisord's own, with files that are still wrong, must not put ours off.
    else if (started?.adopted === false) this.#putOff()
  }

  /** Between the two halves of a restart the former HAProxy serves on. */
  #awaitsSuccessor(state: ProgramState): boolean {
    if (!isStopped(state)) return false
    this.#stoppedSince ??= this.#clock.monotonic()
    return this.#clock.monotonic() - this.#stoppedSince < SUCCESSOR_WITHIN_MS
  }

  #leaveAlone(state: ProgramState): boolean {
    if (isUp(state)) return false
    // Someone typed `supervisorctl stop`: they will type `start` as well.
    if (isStopped(state) && !this.#program.stoppedByUs) return true
    return this.#clock.monotonic() < this.#startAgainAt
  }

  /** @param serves it does so still: another one has taken its place beside it */
  #tellEnd({ pid }: ProcessInfo, { state, reason }: ProgramInfo, serves: boolean, hooks: SupervisorHooks): void {
    this.#master = undefined
    this.#stoppedSince = undefined
    if (isUp(state) && (serves || this.#toldToStop)) this.#logger.warn({ pid }, 'haproxy was restarted in supervisord')
    else {
      // As below: a large file that cannot be loaded takes its time to fail, and looks like a start until then.
      if (!this.#adopted || this.#delay.lasted()) this.#putOff()
      if (isStopped(state)) this.#logger.warn({ pid }, 'haproxy was stopped in supervisord')
      else this.#logger.error({ pid, state, reason }, 'haproxy died')
    }
    hooks.died()
  }

  #putOff(): number {
    const delayMs = this.#delay.next()
    this.#startAgainAt = this.#clock.monotonic() + delayMs
    return delayMs
  }
}
