import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { TimerWheel } from '../platform/timer-wheel.ts'
import type { Entry } from './entry.ts'

export interface ExpiryOptions {
  clock: Clock
  logger: Logger
  ttlMs: number
  /** All pods that are watched. */
  entries: () => Iterable<Entry>
  /** Gets the pods of one app whose time passed in the same turn of the wheel. They are not watched any more. */
  onOverdue: (app: string, entries: readonly Entry[]) => void
}

/** A held pod goes for good this many TTLs after its last keepalive. */
const HELD_TTLS = 10

/** A busy machine runs timers late by less. */
const LEAST_JUMP_MS = 500

/**
 * When each pod has been silent for too long. A keepalive only moves the pod's
 * `lastSeen`; the timer, set for an earlier one, looks at it and is set again.
 */
export class Expiry {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #ttlMs: number
  readonly #entries: () => Iterable<Entry>
  readonly #onOverdue: (app: string, entries: readonly Entry[]) => void
  readonly #wheel: TimerWheel<Entry>
  /** Nobody expires before this time: for a while pods could not be heard, and that was not their fault. */
  #amnestyUntil = 0
  #suspended = false

  constructor({ clock, logger, ttlMs, entries, onOverdue }: ExpiryOptions) {
    this.#clock = clock
    this.#logger = logger
    this.#ttlMs = ttlMs
    this.#entries = entries
    this.#onOverdue = onOverdue
    this.#wheel = new TimerWheel<Entry>({
      clock,
      // A pod pings every 0.75 TTL: a stall shorter than the rest makes no pod look silent, a longer one is noticed.
      jumpMs: Math.max(ttlMs / 8, LEAST_JUMP_MS),
      onDue: (due) => this.#look(due),
      onJump: (byMs) => this.#timeJumped(byMs)
    })
  }

  dueAt({ lastSeen, held }: Entry): number {
    return Math.max(lastSeen + (held ? HELD_TTLS * this.#ttlMs : this.#ttlMs), this.#amnestyUntil)
  }

  /** Whether a keepalive is missing: a pod pings every 0.75 TTL. */
  isSilent({ lastSeen }: Entry): boolean {
    return this.#clock.now() - lastSeen > 0.75 * this.#ttlMs
  }

  /** To be called for a new pod, and when its due time moved to an earlier one; a later one is noticed. */
  watch(entry: Entry): void {
    this.#wheel.schedule(entry, this.dueAt(entry))
  }

  /** Asks again in a TTL about a pod that is overdue and stays. */
  watchLater(entry: Entry): void {
    this.#wheel.schedule(entry, this.#clock.now() + this.#ttlMs)
  }

  unwatch(entry: Entry): void {
    this.#wheel.cancel(entry)
  }

  /** Nobody expires until `resume()`. */
  suspend(): void {
    this.#suspended = true
  }

  /** Everybody has one full TTL from now. */
  resume(): void {
    this.#suspended = false
    const now = this.#clock.now()
    this.#amnestyUntil = now + this.#ttlMs
    for (const entry of this.#entries()) {
      entry.lastSeen = Math.min(entry.lastSeen, now)
      this.watch(entry)
    }
  }

  stop(): void {
    this.#wheel.clear()
  }

  #look(due: readonly Entry[]): void {
    const now = this.#clock.now()
    const overdue = new Map<string, Entry[]>()
    for (const entry of due) {
      if (this.#suspended) this.watchLater(entry)
      else if (this.dueAt(entry) > now) this.watch(entry)
      else group(overdue, entry)
    }
    for (const [app, entries] of overdue) this.#onOverdue(app, entries)
  }

  #timeJumped(byMs: number): void {
    this.#logger.warn({ byMs }, 'time jumped')
    if (this.#suspended) for (const entry of this.#entries()) this.watchLater(entry)
    else this.resume()
  }
}

function group(byApp: Map<string, Entry[]>, entry: Entry): void {
  const same = byApp.get(entry.pod.app)
  if (same === undefined) byApp.set(entry.pod.app, [entry])
  else same.push(entry)
}
