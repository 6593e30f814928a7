import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Entry } from './entry.ts'
import type { Membership } from './membership.ts'
import type { Store } from './store.ts'
import type { StoreWrites } from './store-writes.ts'

export interface ExpiryOptions {
  clock: Clock
  logger: Logger
  ttlMs: number
  members: Membership
  writes: StoreWrites
  store: Pick<Store, 'leading'>
}

/** A held pod goes for good this many TTLs after its last keepalive. */
const HELD_TTLS = 10

/** How long after its time a pod may be noticed. */
const SWEEP_MS = 100

/** A busy machine runs timers late by less. */
const LEAST_JUMP_MS = 500

/**
 * When each pod has been silent for too long, and what becomes of it: it goes,
 * unless most of its app is silent. A keepalive only moves the pod's `lastSeen`;
 * every 100 ms all pods are looked at, which takes 2 to 3 ms for 200,000.
 */
export class Expiry {
  readonly #options: ExpiryOptions
  readonly #jumpMs: number
  /** Nobody expires before this time: for a while pods could not be heard, and that was not their fault. */
  #amnestyUntil = 0
  #suspended = false
  /** By app, since when the held pods would not be held any more. */
  #calmSince = new Map<string, number>()
  #cancel: Cancel = () => {}

  constructor(options: ExpiryOptions) {
    this.#options = options
    // A pod pings every 0.75 TTL: a stall shorter than the rest makes no pod look silent, a longer one is noticed.
    this.#jumpMs = Math.max(options.ttlMs / 8, LEAST_JUMP_MS)
  }

  start(): void {
    const { clock } = this.#options
    const expectedAt = clock.now() + SWEEP_MS
    this.#cancel = clock.after(SWEEP_MS, () => {
      // First, so that nothing ends the sweeps.
      this.start()
      const lateMs = clock.now() - expectedAt
      // The process stood still, or somebody moved the clock: what was heard last says nothing now.
      if (Math.abs(lateMs) > this.#jumpMs) this.#timeJumped(lateMs)
      else if (!this.#suspended) this.#sweep()
    })
  }

  stop(): void {
    this.#cancel()
  }

  dueAt({ lastSeen, held }: Entry): number {
    const { ttlMs } = this.#options
    return Math.max(lastSeen + (held ? HELD_TTLS * ttlMs : ttlMs), this.#amnestyUntil)
  }

  /** Whether a keepalive is missing: a pod pings every 0.75 TTL. */
  isSilent({ lastSeen }: Entry): boolean {
    const { clock, ttlMs } = this.#options
    return clock.now() - lastSeen > 0.75 * ttlMs
  }

  /** Nobody expires until `resume()`. */
  suspend(): void {
    this.#suspended = true
  }

  /** Everybody has one full TTL from now. */
  resume(): void {
    const { clock, ttlMs, members } = this.#options
    this.#suspended = false
    const now = clock.now()
    this.#amnestyUntil = now + ttlMs
    for (const entry of members.entries()) entry.lastSeen = Math.min(entry.lastSeen, now)
  }

  #timeJumped(byMs: number): void {
    this.#options.logger.warn({ byMs }, 'time jumped')
    if (!this.#suspended) this.resume()
  }

  #sweep(): void {
    const { clock, members } = this.#options
    const now = clock.now()
    let overdue: Map<string, Entry[]> | undefined
    for (const entry of members.entries()) {
      if (this.dueAt(entry) <= now) group((overdue ??= new Map<string, Entry[]>()), entry)
    }
    for (const [app, entries] of overdue ?? []) this.#expire(app, entries)
    this.#dropReplaced(now)
  }

  /**
   * Held pods go once others have taken their place: when most of the app has been heard for a whole TTL, in which those
   * that live would have come back.
   */
  #dropReplaced(now: number): void {
    const { members, ttlMs } = this.#options
    const calm = members.panic.calmApps(now)
    this.#calmSince = new Map(calm.map((app) => [app, this.#calmSince.get(app) ?? now]))
    const due = new Set(calm.filter((app) => now - (this.#calmSince.get(app) ?? now) >= ttlMs))
    if (due.size === 0) return
    this.#drop([...members.entries()].filter(({ held, pod }) => held && due.has(pod.app)))
  }

  #expire(app: string, overdue: readonly Entry[]): void {
    const { members, clock } = this.#options
    const heldTooLong = overdue.filter(({ held }) => held)
    const silent = overdue.filter(({ held }) => !held)
    if (silent.length > 0 && members.panic.isPanic(app, silent.length, clock.now())) {
      this.#hold(app, silent)
      this.#drop(heldTooLong)
    } else this.#drop(overdue)
  }

  #hold(app: string, silent: readonly Entry[]): void {
    const { members, store, writes } = this.#options
    // Those that left before the silence was known to be that of most are part of it.
    const restored = store.leading ? members.panic.takeGone(app) : []
    members.hold(app, silent, restored)
    for (const entry of restored) writes.save(entry)
  }

  /** Only the leader does; the others are about to hear of it, or to lead and look again. */
  #drop(entries: readonly Entry[]): void {
    const { members, store, writes } = this.#options
    if (entries.length === 0 || !store.leading) return
    members.down(entries, 'expired')
    writes.remove(entries.map(({ pod }) => pod))
  }
}

function group(byApp: Map<string, Entry[]>, entry: Entry): void {
  const same = byApp.get(entry.pod.app)
  if (same === undefined) byApp.set(entry.pod.app, [entry])
  else same.push(entry)
}
