import type { KontrolError } from '../errors.ts'
import type { Keepalive } from '../model/keepalive.ts'
import type { LimitUse } from '../model/limits.ts'
import type { OtherMaster } from '../model/master.ts'
import { podOf, type Pod, type PodStatus } from '../model/pod.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { Clock } from '../platform/clock.ts'
import type { Unsubscribe } from '../platform/listeners.ts'
import type { Logger } from '../platform/logger.ts'
import { PanicDetector } from './panic-detector.ts'
import { bytesOf, changedFields, createEntry, isLateGoodbye, isOtherNonce, type Entry } from './entry.ts'
import { Expiry } from './expiry.ts'
import { Recovery } from './recovery.ts'
import { Membership, type DownReason, type RegistryEvent } from './membership.ts'
import { PeerChanges } from './peer-changes.ts'
import { SharedKeys } from './shared-keys.ts'
import type { CallbackRun, Leadership, Store } from './store.ts'
import { StoreWrites } from './store-writes.ts'
import { Tally, type RegistryLimits } from './tally.ts'

export interface RegistryOptions {
  store: Store
  clock: Clock
  logger: Logger
  /** Milliseconds after the last keepalive at which a pod is gone. */
  ttlMs: number
  /** Share of an app's pods, 0 to 1, above which silent ones are held and not dropped. */
  panicThreshold: number
  limits: RegistryLimits
  /** HAProxy still has servers, see Recovery. */
  expectsPods?: boolean
}

/** Of a keepalive, as far as the registry minds. */
export interface Sender {
  /** Absent for somebody trusted. */
  readonly peer?: string | undefined
  /** Told why a payload that grew was not taken: the pod keeps the one it had. */
  readonly onRefused?: ((problem: string) => void) | undefined
}

/**
 * Who is alive: a pod is, from its first keepalive until it says `down` or no
 * keepalive came for a TTL. A repeated keepalive touches nothing but the time
 * of the last one, which the next sweep looks at.
 *
 * When most pods of an app fall silent within one TTL, none of them is taken
 * out: see PanicDetector and docs/registry.md.
 */
export class Registry {
  readonly #store: Store
  readonly #writes: StoreWrites
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #tally: Tally
  readonly #recovery: Recovery
  readonly #members: Membership
  readonly #expiry: Expiry
  readonly #peers: PeerChanges
  readonly #sharedKeys: SharedKeys
  /** Pods that the store is about to admit, by key. */
  readonly #arriving = new Map<string, Promise<void>>()
  #lastRun: CallbackRun | undefined
  readonly #ttlMs: number
  #completeAt = -Infinity

  constructor({ store, clock, logger, ttlMs, panicThreshold, limits, expectsPods = false }: RegistryOptions) {
    this.#store = store
    this.#writes = new StoreWrites(store, logger, clock)
    this.#clock = clock
    this.#logger = logger
    this.#tally = new Tally(limits)
    this.#ttlMs = ttlMs
    this.#recovery = new Recovery({ store, clock, logger, ttlMs, expectsPods })
    const panic = new PanicDetector({ windowMs: ttlMs, threshold: panicThreshold })
    this.#members = new Membership({ panic, tally: this.#tally, clock, logger })
    this.#expiry = new Expiry({ members: this.#members, writes: this.#writes, store, clock, logger, ttlMs })
    this.#peers = new PeerChanges({ members: this.#members, expiry: this.#expiry, clock, ttlMs })
    this.#sharedKeys = new SharedKeys({ members: this.#members, clock, logger, ttlMs })
  }

  /**
   * Loads what the store knows, and waits for a store that cannot be reached until `signal` ends that; each of those
   * pods has one full TTL from then to be heard.
   *
   * @throws KontrolError KTL_DATA_UNWRITABLE or KTL_STORE_UNAVAILABLE
   */
  async open(signal?: AbortSignal): Promise<void> {
    const peers = this.#peers
    const { pods, lastRun, isFilled } = await this.#store.open(
      {
        onPut: (pod) => peers.put(pod),
        onRemove: (key, seq) => peers.removed(key, seq),
        onHeard: (keys, ageMs) => peers.heard(keys, ageMs),
        onCallbackRun: (run) => void (this.#lastRun = run),
        onMasterLost: () => this.#expiry.resume(),
        onLeadership: (leading) => this.#leadershipChanged(leading),
        onContact: (contact) => this.#contactChanged(contact)
      },
      signal
    )
    this.#lastRun = lastRun
    for (const pod of pods) this.#members.insert(createEntry(pod, this.#clock.now()))
    this.#sharedKeys.learn()
    this.#logger.info({ pods: this.size, leading: this.leading }, 'registry open')
    if (!isFilled) {
      this.#completeAt = this.#clock.monotonic() + this.#ttlMs
      this.#recovery.begin()
    }
    this.#expiry.start()
  }

  get size(): number {
    return this.#members.size
  }

  /** How much of each limit is used. */
  get uses(): LimitUse[] {
    return this.#tally.uses()
  }

  /** Pods that are kept although they are silent. */
  get held(): number {
    return this.#members.panic.held
  }

  heldOf(app: string): number {
    return this.#members.panic.heldOf(app)
  }

  /** The time in which pods are missing that HAProxy serves, as the store has lost them. */
  get recovery(): Pick<Recovery, 'until' | 'ended'> {
    return this.#recovery
  }

  /** Milliseconds until every pod that lives has had the time to report; 0 with a store that knew them. */
  get completeInMs(): number {
    return Math.max(0, this.#completeAt - this.#clock.monotonic())
  }

  /** Values of the store that were no pod, since the start. */
  get skippedValues(): number {
    return this.#store.skipped
  }

  /** Whether this master decides who is gone and runs the callback: always, with the embedded store. */
  get leading(): boolean {
    return this.#store.leading
  }

  /** The other masters of the app, see Store. */
  get otherMasters(): readonly OtherMaster[] {
    return this.#store.others
  }

  /** What a callback under way goes on by, see Store. */
  get leadership(): Leadership | undefined {
    return this.#store.leadership
  }

  /** Why the store does not take what changes, while that is so. */
  get storeProblem(): KontrolError | undefined {
    return this.#writes.problem
  }

  /**
   * Takes one keepalive, checked by `parseKeepalive`. The promise, if there is
   * one, ends when a new pod is recorded; if it rejects, the pod is still
   * unknown and its next keepalive tries again.
   *
   * @param sender whose share of the registry a new pod takes, and who is told that a larger payload found no room
   * @throws KontrolError KTL_REGISTRY_FULL or KTL_STORE_UNAVAILABLE, as a rejection
   */
  keepalive(sent: Keepalive, sender: Sender = {}): void | Promise<void> {
    const said = this.#sharedKeys.placed(sent)
    const arriving = this.#arriving.get(said.key)
    if (arriving !== undefined) {
      const afterwards = (): void | Promise<void> => this.keepalive(sent, sender)
      return arriving.then(afterwards, afterwards)
    }
    const entry = this.#members.get(said.key)
    if (said.down === true) {
      if (entry?.pod.app === said.app && !isLateGoodbye(entry, said.nonce)) this.#drop(entry, 'down')
      return
    }
    if (entry === undefined) return this.#admit(said, sender)
    this.#refresh(entry, said, sender)
  }

  /** The pod of another app, if any, that a keepalive would take the place of. */
  displacedBy(said: Keepalive): Pod | undefined {
    const pod = this.#members.get(this.#sharedKeys.placed(said).key)?.pod
    return pod?.app === said.app ? undefined : pod
  }

  /** Lets a pod stand beside the one of another app that has its key. */
  share(said: Keepalive): void {
    this.#sharedKeys.share(said)
  }

  /** Takes a pod out on an operator's word; false when there is none with this key. */
  forget(key: string): boolean {
    const entry = this.#members.get(key)
    if (entry === undefined) return false
    this.#drop(entry, 'forgotten')
    return true
  }

  /** All pods with their times, in sequence order. */
  *pods(): Generator<PodStatus> {
    for (const { key } of this.snapshot().pods) {
      const pod = this.pod(key)
      // Or it left while the caller was looking at the ones before it.
      if (pod !== undefined) yield pod
    }
  }

  pod(key: string): PodStatus | undefined {
    const entry = this.#members.get(key)
    if (entry === undefined) return undefined
    const { pod, lastSeen, held } = entry
    return { lastSeen, expiresAt: this.#expiry.dueAt(entry), held, ...pod }
  }

  /** The same object until the membership changes. */
  snapshot(): Snapshot {
    return this.#members.snapshot()
  }

  subscribe(listener: (event: RegistryEvent) => void): Unsubscribe {
    return this.#members.listeners.subscribe(listener)
  }

  /** What the last callback printed, at whichever master it ran. */
  callbackState(): string | undefined {
    return this.#lastRun?.state
  }

  /** The last run of the callback that ended well, at whichever master. */
  lastRun(): CallbackRun | undefined {
    return this.#lastRun
  }

  /** @throws KontrolError KTL_STORE_UNAVAILABLE, KTL_NOT_LEADING */
  async confirmLeadership(): Promise<Leadership> {
    return await this.#store.confirmLeadership()
  }

  /** @throws KontrolError KTL_STORE_UNAVAILABLE, KTL_NOT_LEADING */
  async saveCallbackRun(run: CallbackRun, term: number): Promise<void> {
    // With the embedded store there is no other master: what its disk does not take counts until this process ends.
    if (this.leadership?.until === Infinity) this.#lastRun = run
    await this.#writes.saveCallbackRun(run, term)
    this.#lastRun = run
  }

  /** Waits for the writes under way; from here on no pod expires. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#arriving.values())
    this.#recovery.stop()
    this.#expiry.stop()
    this.#writes.stop()
    await this.#store.close()
  }

  #admit(said: Keepalive, sender: Sender): Promise<void> {
    const admitted = this.#admitByStore(said, sender).finally(() => this.#arriving.delete(said.key))
    this.#arriving.set(said.key, admitted)
    return admitted
  }

  async #admitByStore(said: Keepalive, sender: Sender): Promise<void> {
    const { peer } = sender
    const giveBack = this.#tally.reserve({ app: said.app, peer, payloadBytes: bytesOf(said.payload) })
    const pod = await this.#writes.admit(podOf(said, { firstSeen: this.#clock.now() })).finally(giveBack)
    const entry = this.#members.get(pod.key) ?? this.#members.up(pod, peer)
    // If another master admitted it first, it may have done so with something else.
    this.#refresh(entry, said, sender)
  }

  #refresh(entry: Entry, said: Keepalive, { onRefused }: Sender): void {
    entry.lastSeen = this.#clock.now()
    this.#store.heard(said.key)
    if (entry.held) this.#members.release(entry)
    const now = this.#keepable(entry, said, onRefused)
    const fields = changedFields(entry, now)
    if (fields.length > 0) {
      const { seq, firstSeen } = entry.pod
      this.#members.change(entry, podOf(now, { firstSeen, seq }), fields)
    }
    if (fields.length > 0 || entry.unsaved) this.#writes.save(entry)
  }

  /** What a keepalive says, with the nonce of the process that is known, and the payload where a larger one finds no room. */
  #keepable(entry: Entry, said: Keepalive, onRefused: Sender['onRefused']): Keepalive {
    const nonce = isOtherNonce(entry, said.nonce) ? entry.pod.nonce : said.nonce
    const now = nonce === said.nonce || nonce === undefined ? said : { ...said, nonce }
    if (!changedFields(entry, now).includes('payload')) return now
    const { app, payload } = said
    const problem = this.#tally.problemOfGrowth({ app, peer: entry.peer }, bytesOf(payload) - entry.payloadBytes)
    if (problem === undefined) return now
    onRefused?.(`${problem}, so it keeps the one it had`)
    return { ...now, payload: entry.pod.payload }
  }

  #drop(entry: Entry, reason: DownReason): void {
    this.#members.down([entry], reason)
    this.#writes.remove([entry.pod])
  }

  #leadershipChanged(leading: boolean): void {
    this.#logger.info({ leading }, 'leadership changed')
    this.#members.listeners.emit({ type: 'leader', leading })
  }

  #contactChanged(contact: boolean): void {
    this.#writes.contactChanged(contact)
    this.#peers.contactChanged(contact)
    if (!contact) return this.#expiry.suspend()
    this.#expiry.resume()
    for (const entry of this.#members.entries()) if (entry.unsaved) this.#writes.save(entry)
  }
}
