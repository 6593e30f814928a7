import { setTimeout as sleep } from 'node:timers/promises'
import { KontrolError } from '../../errors.ts'
import {
  isFault,
  supervisordFaults,
  type ProgramInfo,
  type ProgramState,
  type SupervisordClient
} from '../../platform/process/supervisord-client.ts'
import { findMaster, type ProcessInfo } from '../process/process-table.ts'

const POLL_MS = 20
/** supervisord spawns at once; what takes longer is stopping what ran before. */
const START_TIMEOUT_MS = 5_000

/** HAProxy as supervisord runs it: `pid` is its program's, which is the master itself or the shell that started it. */
export interface RunningProgram {
  pid: number
  /** Undefined when it is dead already. */
  master?: ProcessInfo
}

/** The program of supervisord that runs HAProxy: told to start and to stop, and waited for. */
export class SupervisordProgram {
  readonly #client: SupervisordClient
  readonly #name: string
  #stoppedByUs = false

  constructor(client: SupervisordClient, name: string) {
    this.#client = client
    this.#name = name
  }

  /** Between the two halves of a restart; without it, what is stopped was stopped by someone else. */
  get stoppedByUs(): boolean {
    return this.#stoppedByUs
  }

  /** @throws KontrolError KTL_SUPERVISOR_UNREACHABLE, KTL_SUPERVISOR_REFUSED */
  async info(): Promise<ProgramInfo> {
    return await this.#client.info(this.#name)
  }

  /** Returns once it is started; whether it stays up is another question. One that runs already is left alone. */
  async start(): Promise<void> {
    try {
      await this.#tolerating(supervisordFaults.alreadyStarted, this.#client.start(this.#name))
      this.#stoppedByUs = false
    } catch (cause) {
      if (!isFault(cause, supervisordFaults.noFile) && !isFault(cause, supervisordFaults.notExecutable)) throw cause
      throw new KontrolError('KTL_HAPROXY_MISSING', `supervisord cannot run its program "${this.#name}"`, {
        cause,
        hint: 'Install HAProxy 2.6 or later, or name its path in KONTROL_HAPROXY.'
      })
    }
  }

  /** Its stop signal makes HAProxy finish its connections first. */
  async askToStop(): Promise<void> {
    try {
      await this.#tolerating(supervisordFaults.notRunning, this.#client.stop(this.#name))
    } catch (error) {
      // A supervisord that is being stopped takes no orders, and stops us before HAProxy.
      if (!isFault(error, supervisordFaults.shutdown)) throw error
    }
  }

  /** Ends what supervisord still waits for, so that it starts nothing while we put the files in place. */
  async quiesce(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS
    for (;;) {
      const { state } = await this.info()
      if (state === 'BACKOFF') {
        this.#stoppedByUs = true
        await this.#tolerating(supervisordFaults.notRunning, this.#client.stop(this.#name))
      } else if (state !== 'STOPPING') return
      if (performance.now() > deadline) throw this.#notStarted('the former one does not end')
      await sleep(POLL_MS)
    }
  }

  /** Until the program is HAProxy, or has started it, with the sockets that we expect: between fork and exec it is supervisord. */
  async untilItRuns(socketArgument: string): Promise<RunningProgram> {
    const deadline = performance.now() + START_TIMEOUT_MS
    for (;;) {
      const info = await this.info()
      const master = await findMaster(socketArgument)
      if (isOf(info.pid, master)) return { pid: info.pid, master }
      // Dead already: the watch tells of it, and its log has said why.
      if (info.state === 'BACKOFF' || info.state === 'EXITED' || info.state === 'FATAL') return { pid: info.pid }
      if (performance.now() > deadline) throw this.#notStarted(explain(info, socketArgument))
      await sleep(POLL_MS)
    }
  }

  async #tolerating(fault: number, call: Promise<void>): Promise<void> {
    await call.catch((error: unknown) => {
      if (!isFault(error, fault)) throw error
    })
  }

  #notStarted(reason: string): KontrolError {
    return new KontrolError('KTL_HAPROXY_RELOAD_FAILED', `supervisord did not start "${this.#name}": ${reason}`, {
      hint: 'Look at "supervisorctl status", and at its [program:haproxy].'
    })
  }
}

export function isUp(state: ProgramState): boolean {
  return state === 'RUNNING' || state === 'STARTING'
}

/** By someone's command, and not by itself. */
export function isStopped(state: ProgramState): boolean {
  return state === 'STOPPED' || state === 'STOPPING'
}

/** HAProxy is the program itself, or its child. */
function isOf(program: number, master: ProcessInfo | undefined): master is ProcessInfo {
  return program !== 0 && (master?.pid === program || master?.parentPid === program)
}

function explain({ state, pid, reason }: ProgramInfo, socketArgument: string): string {
  if (pid === 0) return `it is ${state}${reason === '' ? '' : `, ${reason}`}`
  return `process ${pid} is no HAProxy with "-W" and "-S ${socketArgument}", and started none`
}
