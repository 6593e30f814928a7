import { findKontrolError, problemOf, type Problem } from '../../errors.ts'
import { Backoff } from '../../platform/backoff.ts'
import type { Cancel, Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import { PATIENT, type ConfigFile } from './config-file.ts'
import type { Configuration, Known } from '../known.ts'
import type { TaskQueue } from '../../platform/queue.ts'

export interface FileFollowerOptions {
  known: Known
  file: ConfigFile
  queue: TaskQueue
  clock: Clock
  logger: Logger
  /** Resolves when the worker that serves has been watched long enough. */
  proven: () => Promise<void>
  /** Puts a checked text on disk, for the next start. */
  keep: (configuration: Configuration) => Promise<void>
  onAlarm: (problem: Problem) => void
}

/** Between the attempts at what failed for another reason than HAProxy's word: a disk may have space by then. */
const RETRY = { firstMs: 1_000, maxMs: 10_000, factor: 1.5 }

/**
 * Brings the file to what was changed at runtime: checked by HAProxy as every
 * text, but behind the change, which does not wait for it. Of many changes only
 * the newest is checked.
 */
export class FileFollower {
  readonly #options: FileFollowerOptions
  readonly #backoff = new Backoff(RETRY)
  #next: Configuration | undefined
  #again: Cancel = () => {}
  #run: { ended: Promise<void>; abort: AbortController } | undefined

  constructor(options: FileFollowerOptions) {
    this.#options = options
  }

  follow(configuration: Configuration): void {
    this.#again()
    this.#next = configuration
    if (this.#run !== undefined) return
    const abort = new AbortController()
    const run = { abort, ended: this.#checkAll(abort.signal) }
    this.#run = run
    void run.ended.finally(() => {
      if (this.#run === run) this.#run = undefined
    })
  }

  /** Gives way to another check; `follow` begins again. */
  drop(): void {
    this.#again()
    this.#next = undefined
    this.#run?.abort.abort()
    this.#run = undefined
  }

  /** Resolves when all that was followed is on disk. Not to be awaited within the queue. */
  async idle(): Promise<void> {
    await this.#run?.ended
  }

  async #checkAll(signal: AbortSignal): Promise<void> {
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      try {
        await this.#keep(next, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#failed(next, error)
      }
      if (signal.aborted) return
    }
  }

  #failed(configuration: Configuration, error: unknown): void {
    const { clock, known, logger, onAlarm } = this.#options
    const refused = findKontrolError(error, 'KTL_HAPROXY_CONFIG_REJECTED') !== undefined
    logger.error(
      { err: error },
      refused ? 'haproxy runs what it would not start with' : 'haproxy file not brought up to date'
    )
    const problem = problemOf(error)
    onAlarm(problem)
    // What runs would be refused at the next start; the last good file stays for that.
    known.problem.file = problem
    if (!refused && this.#next === undefined)
      this.#again = clock.after(this.#backoff.next(), () => this.follow(configuration))
  }

  #take(): Configuration | undefined {
    const next = this.#next
    this.#next = undefined
    return next
  }

  async #keep(configuration: Configuration, signal: AbortSignal): Promise<void> {
    const { file, known, proven, keep, queue } = this.#options
    const pid = known.worker?.workerPid
    await file.check(configuration.text, signal, PATIENT)
    await proven()
    await queue.enqueue(async () => {
      // After a reload or a death the text is another one's business.
      if (signal.aborted || pid === undefined || known.worker?.workerPid !== pid) return
      await keep(configuration)
      known.problem.file = undefined
      this.#backoff.reset()
    })
  }
}
