import type { Pod } from '../model/pod.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { Clock } from '../platform/clock.ts'
import { Listeners } from '../platform/listeners.ts'
import type { Logger } from '../platform/logger.ts'
import type { PanicDetector } from './panic-detector.ts'
import { createEntry, replacePod, type ChangedField, type Entry } from './entry.ts'
import { PodsByApp } from './pods-by-app.ts'
import type { Tally } from './tally.ts'

/** Why a pod left: it said so, it was silent for too long, or an operator (or another master) took it out. */
export type DownReason = 'down' | 'expired' | 'forgotten'

/** One thing that happened to the membership. All but the last two make a new snapshot or show in `pods()`. */
export type RegistryEvent =
  | { type: 'pod-up'; pod: Pod; reason: 'new' }
  | { type: 'pod-down'; pod: Pod; reason: DownReason }
  | { type: 'pod-changed'; pod: Pod; fields: readonly ChangedField[] }
  | { type: 'pods-held'; app: string; pods: readonly Pod[]; restored: number; reason: 'panic' }
  | { type: 'pods-released'; app: string; pods: readonly Pod[]; reason: 'returned' }
  | { type: 'key-shared'; key: string; ip: string; apps: readonly string[] }
  | { type: 'leader'; leading: boolean }

/** An app may have thousands of pods, a log line must not. */
const LOGGED_IPS = 20

export interface MembershipOptions {
  panic: PanicDetector
  tally: Tally
  clock: Clock
  logger: Logger
}

/**
 * The pods that are known now. Each change of the set keeps the panic
 * detector and the snapshot in line, is logged and is told to the listeners;
 * whether a change is due is for others to decide.
 */
export class Membership {
  readonly panic: PanicDetector
  readonly #tally: Tally
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #entries = new Map<string, Entry>()
  readonly #byApp = new PodsByApp()
  /** They hear of it in the middle of a keepalive: none of them may end it. */
  readonly listeners: Listeners<RegistryEvent>

  constructor({ panic, tally, clock, logger }: MembershipOptions) {
    this.panic = panic
    this.#tally = tally
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
    return this.#byApp.snapshot()
  }

  /** Adds a pod without a word: it was known before this process began, or is told of as held. */
  insert(entry: Entry): void {
    this.#entries.set(entry.pod.key, entry)
    this.panic.added(entry)
    this.#tally.added(entry)
    this.#byApp.add(entry.pod)
  }

  /** @param peer who sent its first keepalive, as Entry has it */
  up(pod: Pod, peer?: string): Entry {
    const entry = createEntry(pod, this.#clock.now(), peer)
    this.insert(entry)
    this.#logger.info(describe(pod), 'pod up')
    this.listeners.emit({ type: 'pod-up', pod, reason: 'new' })
    return entry
  }

  /** All of them leave before the first listener hears of it. */
  down(entries: readonly Entry[], reason: DownReason): void {
    for (const entry of entries) {
      this.#entries.delete(entry.pod.key)
      this.panic.removed(entry)
      this.#tally.removed(entry)
      this.#byApp.remove(entry.pod)
    }
    for (const { pod } of entries) {
      this.#logger.info({ ...describe(pod), reason }, 'pod down')
      this.listeners.emit({ type: 'pod-down', pod, reason })
    }
    if (reason !== 'expired') return
    for (const entry of entries) if (!entry.held) this.panic.expired(entry, this.#clock.now())
  }

  change(entry: Entry, pod: Pod, fields: readonly ChangedField[]): void {
    this.panic.removed(entry)
    this.#tally.removed(entry)
    this.#byApp.remove(entry.pod)
    replacePod(entry, pod, this.#clock.now())
    this.panic.added(entry)
    this.#tally.added(entry)
    this.#byApp.add(pod)
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
      this.panic.heldChanged(app, 1)
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
    this.listeners.emit({ type: 'pods-held', app, pods, restored: restored.length, reason: 'panic' })
  }

  release(entry: Entry): void {
    entry.held = false
    this.panic.heldChanged(entry.pod.app, -1)
    this.#logger.info(describe(entry.pod), 'pod released')
    this.listeners.emit({ type: 'pods-released', app: entry.pod.app, pods: [entry.pod], reason: 'returned' })
  }
}

const describe = ({ app, ip, key, id, seq }: Pod): object => ({ app, ip, key, id, seq })
