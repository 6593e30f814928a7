import { setTimeout as sleep } from 'node:timers/promises'
import { KontrolError } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import { probeBinds } from './process/bind-probe.ts'
import { parseConfig } from './config/parser.ts'
import type { Configuration, KnownWorker } from './known-worker.ts'
import { listenersOf } from './process/listeners.ts'
import type { LiveConfiguration } from './live-configuration.ts'

export interface PendingReloadOptions {
  live: LiveConfiguration
  worker: KnownWorker
  clock: Clock
  /** Least milliseconds between two reloads. */
  reloadIntervalMs: number
}

/** A checked configuration that waits for a reload, and its reload: not too soon after the last one. */
export class PendingReload {
  readonly #options: PendingReloadOptions
  #pending: Configuration | undefined
  #lastReloadAt = -Infinity

  constructor(options: PendingReloadOptions) {
    this.#options = options
  }

  prepare(configuration: Configuration): void {
    this.#pending = configuration
  }

  drop(): void {
    this.#pending = undefined
  }

  /**
   * Undefined when nothing waits.
   *
   * @throws KontrolError KTL_HAPROXY_RELOAD_FAILED; it still waits if HAProxy was not asked to load it
   */
  async reload(signal?: AbortSignal): Promise<'started' | 'reloaded' | undefined> {
    const pending = this.#pending
    if (pending === undefined) return undefined
    const { live } = this.#options
    try {
      await this.#probe(pending)
      await this.#awaitInterval(signal)
      this.#pending = undefined
      return await live.load(pending)
    } finally {
      live.follow()
    }
  }

  /** Loads what runs once more, unless something else is about to be loaded. */
  async repeat(): Promise<void> {
    const { live, worker } = this.#options
    const running = worker.configuration()
    if (running === undefined || this.#pending !== undefined) return
    await live.check(running)
    await this.#awaitInterval()
    await live.load(running)
  }

  async #probe({ text }: Configuration): Promise<void> {
    const worker = this.#options.worker.pids()?.workerPid
    const listeners = worker === undefined ? undefined : await listenersOf(worker)
    // Who listens nowhere has nothing to lose by a reload that fails.
    if (listeners === undefined || listeners.own.length === 0) return
    const problems = await probeBinds(parseConfig(text), listeners)
    if (problems.length === 0) return
    throw new KontrolError('KTL_HAPROXY_RELOAD_FAILED', `The configuration cannot be loaded: ${problems.join('; ')}`, {
      hint: 'Free the address, or change the bind line; HAProxy goes on with what it runs.'
    })
  }

  async #awaitInterval(signal?: AbortSignal): Promise<void> {
    const { clock, reloadIntervalMs } = this.#options
    const waitMs = this.#lastReloadAt + reloadIntervalMs - clock.now()
    if (waitMs > 0) await sleep(waitMs, undefined, signal && { signal })
    this.#lastReloadAt = clock.now()
  }
}
