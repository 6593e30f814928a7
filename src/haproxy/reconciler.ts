import { catalogue, KontrolError, problemOf, type Problem } from '../errors.ts'
import { Backoff } from '../platform/backoff.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { Poller } from '../platform/poller.ts'
import type { TaskQueue } from '../platform/queue.ts'
import type { ConfigModel, ConfigReader } from './config/model.ts'
import type { ConfigFile } from './files/config-file.ts'
import type { Instance } from './instance.ts'
import type { Configuration, Known } from './known.ts'
import type { PoolChange } from './servers/plan.ts'
import type { Servers } from './servers/servers.ts'

export interface ReconcilerOptions {
  known: Known
  file: Pick<ConfigFile, 'putBack'>
  reader: ConfigReader
  servers: Servers
  instance: Instance
  queue: TaskQueue
  clock: Clock
  logger: Logger
  dryRun: boolean
  /** Milliseconds without a change after which servers left over in HAProxy are cleared by a reload. */
  quietMs: number
  onAlarm: (problem: Problem) => void
  changeServers: (changes: readonly PoolChange[], wanted: Configuration, model: ConfigModel) => Promise<number>
  /** Checks it again, and loads it no sooner than a reload may be. */
  reload: (configuration: Configuration) => Promise<void>
}

/** Left-over servers that are not worth a reload. */
const MIN_SPARES_TO_CLEAR = 10
const LOOK_MS = 1_000

/** Brings HAProxy back to what it should run: after a drift, a death, a reload by another hand, and when it is cluttered. */
export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #looks: Poller
  readonly #backoff = new Backoff({ firstMs: 1_000, maxMs: 60_000 })
  #quiet: Cancel = () => {}
  #retry: Cancel = () => {}
  #again: Cancel = () => {}
  #closed = false

  constructor(options: ReconcilerOptions) {
    const { clock, queue, logger, servers, instance, file } = options
    this.#options = options
    servers.onDrift((error) => this.#drifted(error))
    instance.listen({ restarted: () => this.#inBackground(async () => await this.#catchUp()) })
    this.#looks = new Poller({
      clock,
      intervalMs: LOOK_MS,
      poll: () =>
        queue.enqueue(async () => {
          await this.look()
          // What the disk does not take is told where it is needed.
          await file.putBack().catch((err: unknown) => logger.debug({ err }, 'files of haproxy not put back'))
        }),
      onError: (err) => logger.warn({ err }, 'haproxy not looked at')
    })
  }

  start(): void {
    if (!this.#options.dryRun) this.#looks.start()
  }

  close(): void {
    this.#closed = true
    this.#quiet()
    this.#retry()
    this.#again()
    void this.#looks.stop()
  }

  /**
   * Another hand may have had HAProxy load its file again, which knows nothing of what was changed since. Within the queue.
   *
   * @returns whether it was so, and the worker is known again with what it should run
   */
  async look(): Promise<boolean> {
    const { known, instance } = this.#options
    const wanted = known.lastRunning
    const found = await instance.look()
    if (found === 'as known') return false
    if (found === 'taken up' && (await this.#bringServers(wanted))) return true
    if (wanted !== undefined) known.running = wanted
    this.#drifted(
      new KontrolError(
        'KTL_HAPROXY_SURPRISE',
        'HAProxy was reloaded by another hand, and does not run what it should',
        {
          hint: 'No action needed: HAProxy is reloaded with the configuration it should run.'
        }
      )
    )
    return false
  }

  /** Servers left over from changes cost memory: once they outnumber those in use, and nobody waits, they go. */
  awaitQuiet(): void {
    const { clock, quietMs, logger, servers } = this.#options
    this.#quiet()
    this.#quiet = clock.after(quietMs, () => {
      const { live, spare } = servers.count()
      if (spare <= Math.max(live, MIN_SPARES_TO_CLEAR)) return
      logger.info({ live, spare }, 'haproxy is reloaded to clear servers that are left over')
      this.#inBackground(async () => await this.#reloadRunning())
    })
  }

  /** Tells what went wrong behind a change that was live. */
  alarm(error: unknown): Problem {
    const { known, onAlarm } = this.#options
    const problem = (known.problem.candidate = problemOf(error))
    onAlarm(problem)
    return problem
  }

  /** Once, and not before the pause is over. */
  tryAgain(task: () => Promise<void>, pauseMs: number, problem: Problem): void {
    this.#again()
    if (!this.#closed) this.#again = this.#options.clock.after(pauseMs, () => this.#inBackground(task, problem))
  }

  /** HAProxy's servers are other than ours: a reload puts them right. */
  #drifted(drift: KontrolError): void {
    const { logger } = this.#options
    logger.error({ err: drift }, 'haproxy drifted, reloading')
    this.#inBackground(async () => await this.#reloadRunning(), this.alarm(drift))
  }

  /** Loads what runs once more, unless something else is about to be loaded. */
  async #reloadRunning(): Promise<void> {
    const { known, reload } = this.#options
    const { running } = known
    if (running !== undefined && known.pending === undefined) await reload(running)
  }

  /** HAProxy is back after a death, with the last good file: the servers that were changed since come again. */
  async #catchUp(): Promise<void> {
    // Anything else may be what it died of.
    await this.#bringServers(this.#options.known.lastRunning).catch((error: unknown) =>
      this.#options.logger.warn({ err: error }, 'servers not changed at runtime')
    )
  }

  /** @returns false when the text differs in more than servers */
  async #bringServers(wanted: Configuration | undefined): Promise<boolean> {
    const { known, reader, servers, changeServers } = this.#options
    if (wanted === undefined || wanted.text === known.running?.text) return true
    const model = await reader.read(wanted.text)
    const plan = servers.plan(model)
    if (plan.kind === 'reload') return false
    await changeServers(plan.kind === 'none' ? [] : plan.changes, wanted, model)
    return true
  }

  /** @param told is healed when the task has done its work: what may pass is tried until then */
  #inBackground(task: () => Promise<void>, told?: Problem): void {
    const { known, queue, clock, logger } = this.#options
    this.#retry()
    queue.enqueue(task).then(
      () => {
        this.#backoff.reset()
        if (known.problem.candidate === told) known.problem.candidate = undefined
      },
      (err: unknown) => {
        const problem = (known.problem.candidate = problemOf(err))
        const retryInMs = catalogue[problem.code].retryable ? this.#backoff.next() : undefined
        logger.error({ err, retryInMs }, 'haproxy not brought in line')
        if (retryInMs === undefined || this.#closed) return
        this.#retry = clock.after(retryInMs, () => this.#inBackground(task, problem))
      }
    )
  }
}
