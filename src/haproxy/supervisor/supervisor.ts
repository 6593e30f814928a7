import type { Problem } from '../../errors.ts'
import { Backoff } from '../../platform/backoff.ts'
import type { Clock } from '../../platform/clock.ts'

/** A HAProxy that has served for this long is no longer part of a series of failures, as supervisord takes `startsecs`. */
const STEADY_MS = 1_000

export const notRunning: Problem = {
  code: 'KTL_HAPROXY_UNREACHABLE',
  message: 'HAProxy is not running',
  hint: 'Read haproxy/haproxy.log in the data folder, if it does not come back by itself within seconds.'
}

/** How HAProxy is started. The command line never changes: what changes is in the files. */
export interface HaproxyCommand {
  binary: string
  args: readonly string[]
  /** The word behind `-S`, by which a running one is recognised. */
  socketArgument: string
  /** File that takes HAProxy's output. */
  logFile: string
}

export interface SupervisorHooks {
  /** Awaited before each start: puts the files in place that HAProxy may begin with. */
  beforeStart(): Promise<void>
  /** HAProxy ended without being told to; the supervisor starts it again by itself. */
  died(): void
  /** It was started again after it had died. */
  restarted(): void
}

export interface SupervisedProcess {
  pid: number
  /** It ran already. */
  adopted: boolean
}

/** Who runs the HAProxy master process. It outlives this program: only `stop` ends it. */
export interface Supervisor {
  /**
   * Makes HAProxy run: adopts the one that does, else starts one at once, whatever
   * the back-off. May be called again at any time.
   */
  start(command: HaproxyCommand, hooks: SupervisorHooks): Promise<SupervisedProcess>
  /** HAProxy answers. May be said again at any time. */
  served(): void
  /** Pid of the master; undefined while none runs. */
  pid(): number | undefined
  /** Lets HAProxy finish its connections and ends it; past `graceMs`, or when aborted, by force. */
  stop(graceMs: number, signal?: AbortSignal): Promise<void>
  /** Lets go of HAProxy, which runs on. */
  close(): Promise<void>
}

/**
 * How long to wait with the next start: not at all after the end of one that served steadily, however often that
 * happens, as clients have nobody else; and longer with each one that ended before.
 */
export class RestartDelay {
  readonly #clock: Clock
  readonly #backoff = new Backoff({ firstMs: 500, maxMs: 10_000 })
  #servedSince: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** That it lives says nothing: a large file that cannot be loaded takes its time to fail. */
  started(): void {
    this.#servedSince = undefined
  }

  served(): void {
    this.#servedSince ??= this.#clock.monotonic()
  }

  /** Whether the one that was started served steadily. */
  lasted(): boolean {
    return this.#servedSince !== undefined && this.#clock.monotonic() - this.#servedSince >= STEADY_MS
  }

  /** To be asked once for each death, and for each start that failed. */
  next(): number {
    const steady = this.lasted()
    // It says nothing about the tries that follow.
    this.#servedSince = undefined
    if (!steady) return this.#backoff.next()
    this.#backoff.reset()
    return 0
  }
}
