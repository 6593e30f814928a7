import { KontrolError } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { adviceOn, refusedKeywords } from './config/lint.ts'
import type { ConfigFile } from './files/config-file.ts'
import type { ConfigModel } from './config/model.ts'
import { parseConfig } from './config/parser.ts'
import { FileFollower } from './files/file-follower.ts'
import type { Configuration, KnownWorker } from './known-worker.ts'
import type { Servers } from './servers/servers.ts'
import type { PoolChange } from './servers/plan.ts'
import { problemOf, type Problem } from './problem.ts'
import type { Instance } from './instance.ts'
import type { TaskQueue } from '../platform/queue.ts'

export interface LiveConfigurationOptions {
  file: ConfigFile
  haproxy: Instance
  worker: KnownWorker
  servers: Servers
  queue: TaskQueue
  clock: Clock
  logger: Logger
  onAlarm: (problem: Problem) => void
}

/**
 * The configuration that HAProxy serves with: made so by a change of servers or
 * by a reload, with the file on disk following it.
 */
export class LiveConfiguration {
  readonly #options: LiveConfigurationOptions
  readonly #follower: FileFollower
  /** The last that was live; stays when HAProxy dies. */
  #last: Configuration | undefined
  #problem: Problem | undefined

  constructor(options: LiveConfigurationOptions) {
    this.#options = options
    this.#follower = new FileFollower({
      ...options,
      onRefusal: (error) => {
        const problem = problemOf(error)
        options.onAlarm(problem)
        this.#problem = problem
      },
      onKept: () => (this.#problem = undefined)
    })
  }

  /** Why HAProxy would not start with what it runs. */
  get problem(): Problem | undefined {
    return this.#problem
  }

  /** HAProxy was taken up or started. */
  started(): void {
    this.#last ??= this.#options.worker.configuration()
    this.follow()
  }

  /** The file on disk goes after what runs, whatever became of something else. */
  follow(): void {
    const live = this.#options.worker.notPersisted()
    if (live !== undefined) this.#follower.follow(live)
  }

  /**
   * Lets HAProxy judge a text; the check of the file that follows gives way to it.
   *
   * @throws KontrolError KTL_HAPROXY_CONFIG_REJECTED
   */
  async check({ text }: Configuration, signal?: AbortSignal): Promise<void> {
    const parsed = parseConfig(text)
    refuse(refusedKeywords(parsed))
    this.#follower.drop()
    try {
      await this.#options.file.check(text, signal)
    } catch (error) {
      this.follow()
      throw error
    }
    for (const advice of adviceOn(parsed)) this.#options.logger.warn({ advice }, 'haproxy configuration')
  }

  /**
   * To another one that differs by servers alone, without a reload.
   *
   * @returns the number of servers changed
   * @throws when HAProxy does not go along
   */
  async change(changes: readonly PoolChange[], wanted: Configuration, model: ConfigModel): Promise<number> {
    const operations = await this.#options.servers.apply(changes, model)
    this.#options.worker.changedTo(wanted)
    this.#last = wanted
    this.#follower.follow(wanted)
    return operations
  }

  /**
   * To any that was checked, by a reload or a start.
   *
   * @throws KontrolError KTL_HAPROXY_RELOAD_FAILED; the last good configuration is back
   */
  async load(configuration: Configuration): Promise<'started' | 'reloaded'> {
    this.#follower.drop()
    const outcome = await this.#options.haproxy.load(configuration)
    this.#last = configuration
    this.#problem = undefined
    return outcome
  }

  /** What was live before HAProxy died, if it came back with something else. */
  lost(): Configuration | undefined {
    return this.#last?.text === this.#options.worker.configuration()?.text ? undefined : this.#last
  }

  /** Resolves when what runs has been watched, and is on disk. Not to be awaited within the queue. */
  async settled(): Promise<void> {
    await this.#options.haproxy.proven()
    await this.#follower.idle()
  }

  close(): void {
    this.#follower.drop()
  }
}

function refuse(problems: string[]): void {
  if (problems.length === 0) return
  throw new KontrolError('KTL_HAPROXY_CONFIG_REJECTED', `The configuration is refused: ${problems.join('; ')}`, {
    hint: 'Remove these lines from the template.'
  })
}
