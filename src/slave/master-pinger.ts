import { messageOf } from '../errors.ts'
import { Backoff } from '../platform/backoff.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'

/** How a slave reaches one master, whatever protocol that speaks. */
export interface MasterConnection {
  /** Hands over one keepalive; rejects when the master did not take it before the signal fired. */
  send(keepalive: string, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export interface MasterPingerOptions {
  /** The master, as the annotation names it. */
  master: string
  connection: MasterConnection
  /** Milliseconds from one ping to the next. */
  periodMs: number
  /** Milliseconds a master has to answer. */
  timeoutMs: number
  /** The body to send now. */
  keepalive: () => string
  clock: Clock
  logger: Logger
  /** In [0, 1); spreads the retries of a fleet whose master went away. */
  random: () => number
}

/** How one master is doing, as seen from this slave. */
export interface MasterStatus {
  master: string
  reachable: boolean
  /** Milliseconds since the epoch; undefined before the first one that was taken. */
  lastSuccess: number | undefined
  /** Pings in a row that were not taken. */
  failures: number
  lastError: string | undefined
}

const FIRST_RETRY_MS = 500

/**
 * Keeps one master informed: a ping each period, and after a failure sooner
 * than that, at first quickly and then with growing pauses which never exceed
 * the period. A master that comes back is thus reached within 0.75 TTL, and it
 * grants the pods that it remembers a full one.
 */
export class MasterPinger {
  readonly #options: MasterPingerOptions
  readonly #backoff: Backoff
  #cancel: Cancel | undefined
  #flight: Promise<void> | undefined
  /** A change came while a ping was on its way, which may have left without it. */
  #stale = false
  #stopped = false
  #paused = false
  #lastSuccess: number | undefined
  #failures = 0
  #lastError: string | undefined

  constructor(options: MasterPingerOptions) {
    this.#options = options
    const { periodMs, random } = options
    this.#backoff = new Backoff({ firstMs: FIRST_RETRY_MS, maxMs: periodMs, jitter: 0.5, random })
  }

  /** Sends one now, or as soon as the one on its way has been answered. */
  ping(): void {
    if (this.#stopped || this.#paused) return
    this.#stale = this.#flight !== undefined
    if (this.#flight !== undefined) return
    this.#cancel?.()
    this.#flight = this.#attempt().finally(() => {
      this.#flight = undefined
      if (this.#stale) this.ping()
    })
  }

  /** Says goodbye after the keepalive on its way, and nothing more until resume(). Never rejects. */
  async pause(farewell: string): Promise<void> {
    this.#paused = true
    this.#cancel?.()
    await this.#flight
    if (!this.#paused || this.#stopped) return
    // As a flight, so that a ping that is due meanwhile comes after it.
    this.#flight = this.#sayGoodbye(farewell).finally(() => {
      this.#flight = undefined
      if (this.#stale) this.ping()
    })
    await this.#flight
  }

  resume(): void {
    this.#paused = false
    this.ping()
  }

  /**
   * Sends a last keepalive after the one on its way, as the order of the two
   * decides whether the pod lives. Never rejects.
   */
  async leave(farewell: string): Promise<void> {
    await this.#end()
    await this.#sayGoodbye(farewell)
    await this.#options.connection.close()
  }

  async #sayGoodbye(farewell: string): Promise<void> {
    const { master, connection, timeoutMs, logger } = this.#options
    try {
      await connection.send(farewell, AbortSignal.timeout(timeoutMs))
    } catch (error) {
      logger.warn({ master, reason: messageOf(error) }, 'master not told that this pod leaves')
    }
  }

  /** Ends without a word. Never rejects. */
  async stop(): Promise<void> {
    await this.#end()
    await this.#options.connection.close()
  }

  async #end(): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    await this.#flight
  }

  status(): MasterStatus {
    return {
      master: this.#options.master,
      reachable: this.#lastSuccess !== undefined && this.#failures === 0,
      lastSuccess: this.#lastSuccess,
      failures: this.#failures,
      lastError: this.#lastError
    }
  }

  async #attempt(): Promise<void> {
    const { connection, keepalive, timeoutMs, periodMs, clock } = this.#options
    const startedAt = clock.monotonic()
    let delayMs: number
    try {
      await connection.send(keepalive(), AbortSignal.timeout(timeoutMs))
      this.#succeeded()
      // From its start, so that slow answers do not stretch the period.
      delayMs = startedAt + periodMs - clock.monotonic()
    } catch (error) {
      this.#failed(messageOf(error))
      delayMs = this.#backoff.next()
    }
    if (!this.#stopped && !this.#paused) this.#cancel = clock.after(Math.max(0, delayMs), () => this.ping())
  }

  #succeeded(): void {
    const { master, clock, logger } = this.#options
    if (this.#lastSuccess === undefined) logger.info({ master }, 'master reached')
    else if (this.#failures > 0) logger.info({ master, failures: this.#failures }, 'master reached again')
    this.#lastSuccess = clock.now()
    this.#failures = 0
    this.#backoff.reset()
    this.#lastError = undefined
  }

  /** Logs the first failure and each new reason; a master that stays away is one line, not one a second. */
  #failed(reason: string): void {
    const { master, logger } = this.#options
    this.#failures += 1
    if (reason !== this.#lastError) logger.warn({ master, reason }, 'master does not take keepalives')
    this.#lastError = reason
  }
}
