import type { Pod } from '../model/pod.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { Clock } from '../platform/clock.ts'
import { Listeners } from '../platform/listeners.ts'
import type { Logger } from '../platform/logger.ts'
import type { AppCensus } from './panic-detector.ts'
import { createEntry, replacePod, type ChangedField, type Entry } from './entry.ts'
import type { Expiry } from './expiry.ts'
import type { DownReason, RegistryEvent } from './registry-event.ts'
import { Roster } from './pods-by-app.ts'

/** An app may have thousands of pods, a log line must not. */
const LOGGED_IPS = 20

export interface MembershipOptions {
  census: AppCensus
  expiry: Expiry
  clock: Clock
  logger: Logger
}

/**
 * The pods that are known now. Each change of the set keeps the census, the
 * timers and the snapshot in line, is logged and is told to the listeners;
 * whether a change is due is for others to decide.
 */
export class Membership {
  readonly census: AppCensus
  readonly #expiry: Expiry
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #entries = new Map<string, Entry>()
  readonly #roster = new Roster()
  /** They hear of it in the middle of a keepalive: none of them may end it. */
  readonly listeners: Listeners<RegistryEvent>

  constructor({ census, expiry, clock, logger }: MembershipOptions) {
    this.census = census
    this.#expiry = expiry
    this.#clock = clock
    this.#logger = logger
    this.listeners = new Listeners('registry', logger)
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  entries(): Iterable<Entry> {
    return this.#entries.values()
  }

  snapshot(): Snapshot {
    return this.#roster.snapshot()
  }

  /** Adds a pod without a word: it was known before this process began, or is told of as held. */
  insert(entry: Entry): void {
    this.#expiry.watch(entry)
    this.#entries.set(entry.pod.key, entry)
    this.census.added(entry)
    this.#roster.add(entry.pod)
  }

  up(pod: Pod): Entry {
    const entry = createEntry(pod, this.#clock.now())
    this.insert(entry)
    this.#logger.info(describe(pod), 'pod up')
    this.listeners.emit({ type: 'pod-up', pod, reason: 'new' })
    return entry
  }

  /** All of them leave before the first listener hears of it. */
  down(entries: readonly Entry[], reason: DownReason): void {
    for (const entry of entries) {
      this.#expiry.unwatch(entry)
      this.#entries.delete(entry.pod.key)
      this.census.removed(entry)
      this.#roster.remove(entry.pod)
    }
    for (const { pod } of entries) {
      this.#logger.info({ ...describe(pod), reason }, 'pod down')
      this.listeners.emit({ type: 'pod-down', pod, reason })
    }
    if (reason !== 'expired') return
    for (const entry of entries) if (!entry.held) this.census.expired(entry, this.#clock.now())
  }

  change(entry: Entry, pod: Pod, fields: readonly ChangedField[]): void {
    this.census.removed(entry)
    this.#roster.remove(entry.pod)
    replacePod(entry, pod)
    this.census.added(entry)
    this.#roster.add(pod)
    this.#logger.info({ ...describe(pod), fields }, 'pod changed')
    this.listeners.emit({ type: 'pod-changed', pod, fields })
  }

  /**
   * Keeps silent pods of one app.
   *
   * @param restored pods that left within the last TTL, brought back
   */
  hold(app: string, silent: readonly Entry[], restored: readonly Entry[]): void {
    for (const entry of silent) {
      entry.held = true
      this.#expiry.watch(entry)
      this.census.heldChanged(app, 1)
    }
    for (const entry of restored) {
      entry.held = true
      this.insert(entry)
    }
    const pods = [...restored, ...silent].map(({ pod }) => pod)
    this.#logger.warn(
      { app, pods: pods.length, restored: restored.length, ips: pods.slice(0, LOGGED_IPS).map(({ ip }) => ip) },
      'pods held'
    )
    this.listeners.emit({ type: 'pods-held', app, pods, reason: 'panic' })
  }

  release(entry: Entry): void {
    entry.held = false
    this.#expiry.watch(entry)
    this.census.heldChanged(entry.pod.app, -1)
    this.#logger.info(describe(entry.pod), 'pod released')
    this.listeners.emit({ type: 'pods-released', app: entry.pod.app, pods: [entry.pod], reason: 'returned' })
  }
}

const describe = ({ app, ip, key, id, seq }: Pod): object => ({ app, ip, key, id, seq })
