import { messageOf } from '../../errors.ts'
import type { Pod } from '../../model/pod.ts'
import type { Clock } from '../../platform/clock.ts'
import { Poller } from '../../platform/poller.ts'
import { EtcdClient, type KeyChange } from './client.ts'
import type { EtcdKeys } from './keys.ts'
import type { EtcdMirror } from './mirror.ts'
import { parseDigest, type KeepaliveDigest } from './digest.ts'

export interface EtcdSessionOptions {
  /** The member that this session is with. */
  host: string
  keys: EtcdKeys
  mirror: EtcdMirror
  digest: KeepaliveDigest
  clock: Clock
  /** Unique to this process. */
  masterId: string
  /** How long the other masters wait for this one, when it leads and falls silent. */
  foverMs: number
  /** Between two signs of life to the other masters. */
  beatMs: number
  /** How long beats may fail before contact counts as lost. */
  patienceMs: number
  onHeard: (keys: readonly string[], ageMs: number) => void
  onMasterLost: (masterId: string) => void
  onLeadership: (leading: boolean) => void
}

/** A master whose last beat is older than this many intervals is lost. */
const LOST_BEATS = 2.5
/** More beats than this unseen, and the watch is taken for dead. One is the fate of a process that stood still. */
const SILENT_BEATS = 2

/**
 * One stretch of contact with etcd: from a complete listing on, every change
 * is seen. A broken watch ends it for good, as does a time without a beat that
 * was written and came back through the watch; the store then begins another.
 *
 * A beat renews the lease under which this master is known and leads, and
 * writes which pods it heard of since the last one.
 */
export class EtcdSession {
  readonly client: EtcdClient
  /** Resolves with the reason when contact is lost, or `closed`. */
  readonly ended: Promise<string>
  readonly #options: EtcdSessionOptions
  readonly #end: (reason: string) => void
  /** Until then nobody is told who leads: it can be asked. */
  #begun = false
  #over = false
  #lease = ''
  #leaseUntil = 0
  #leads = false
  #goodUntil = 0
  /** Revision of a beat that must come back through the watch, and how many beats it did not. */
  #awaited = { revision: 0, beats: 0 }
  readonly #beats: Poller
  /** Time of the last beat of each other master. */
  readonly #masters = new Map<string, number>()

  private constructor(client: EtcdClient, options: EtcdSessionOptions) {
    this.client = client
    this.#options = options
    const { clock, beatMs: intervalMs, patienceMs } = options
    this.#beats = new Poller({
      clock,
      intervalMs,
      poll: async () => {
        await this.#beat()
        this.#goodUntil = clock.now() + patienceMs
      },
      onError: (error) => {
        if (clock.now() >= this.#goodUntil) this.#end(messageOf(error))
      }
    })
    let resolveEnded: (reason: string) => void = () => {}
    this.ended = new Promise((resolve) => (resolveEnded = resolve))
    this.#end = (reason) => {
      if (this.#over) return
      this.#over = true
      void this.#beats.stop()
      this.client.close()
      this.#lead(false)
      resolveEnded(reason)
    }
  }

  /** @returns the session, and pods that etcd has lost: to be written again */
  static async begin(options: EtcdSessionOptions): Promise<{ session: EtcdSession; lost: Pod[] }> {
    const session = new EtcdSession(await EtcdClient.create(options.host), options)
    try {
      return { session, lost: await session.#start() }
    } catch (error) {
      session.#end(messageOf(error))
      throw error
    }
  }

  get leading(): boolean {
    // Also when this process was stopped for so long that another one leads by now.
    return this.#leads && this.#options.clock.now() < this.#leaseUntil
  }

  /** Says goodbye: other masters need not wait for the lease to run out. */
  async close(): Promise<void> {
    if (!this.#over) {
      void this.#beats.stop()
      try {
        await this.#writeDigest()
        await this.client.revokeLease(this.#lease)
      } catch {
        // The lease runs out by itself.
      }
    }
    this.#end('closed')
  }

  async #start(): Promise<Pod[]> {
    const { keys, mirror, clock, foverMs } = this.#options
    const asked = clock.now()
    const { lease, seconds } = await this.client.grantLease(Math.ceil(foverMs / 1000))
    this.#lease = lease
    this.#leaseUntil = asked + seconds * 1000
    const listing = await this.client.list(keys.prefix)
    const lost = mirror.load(listing)
    for (const { key } of listing.values) this.#masterBehind(key)
    await this.client.watch(keys.prefix, listing.revision + 1, {
      onChanges: (changes, revision) => this.#changed(changes, revision),
      onEnd: (reason) => this.#end(`watch ended: ${reason}`)
    })
    this.#awaited.revision = await this.#writeDigest()
    await this.#campaign()
    this.#goodUntil = clock.now() + this.#options.patienceMs
    this.#beats.start()
    this.#begun = true
    return lost
  }

  #changed(changes: readonly KeyChange[], revision: number): void {
    if (this.#over) return
    this.#options.mirror.applyAll(changes, revision)
    for (const change of changes) this.#notice(change)
    const leader = this.#options.mirror.leader.value
    this.#lead(leader === this.#options.masterId)
    // If that fails, the next beat tries again.
    if (leader === '') this.#campaign().catch(() => {})
  }

  /** What other masters say of themselves, and of the pods that they heard. */
  #notice({ key, value }: KeyChange): void {
    if (value === undefined) {
      const { kind, name } = this.#options.keys.parse(key)
      if (kind === 'masters' && this.#masters.delete(name)) this.#options.onMasterLost(name)
    } else if (this.#masterBehind(key)) {
      for (const [ageMs, pods] of parseDigest(value)) this.#options.onHeard(pods, ageMs)
    }
  }

  /** Whether the key is another master's digest, which then lives. */
  #masterBehind(key: string): boolean {
    const { kind, name } = this.#options.keys.parse(key)
    if (kind !== 'masters' || name === this.#options.masterId) return false
    this.#masters.set(name, this.#options.clock.now())
    return true
  }

  async #campaign(): Promise<void> {
    const { keys, masterId, mirror } = this.#options
    const { succeeded, revision, found } = await this.client.transact(
      [{ key: keys.leader, of: 'create', equals: 0 }],
      [{ put: keys.leader, value: masterId, lease: this.#lease }],
      [{ get: keys.leader }]
    )
    if (this.#over) return
    mirror.learnLeader(succeeded ? { value: masterId, modRevision: revision } : found[0])
    this.#lead(mirror.leader.value === masterId)
  }

  #lead(leading: boolean): void {
    if (leading === this.#leads) return
    this.#leads = leading
    if (this.#begun) this.#options.onLeadership(leading)
  }

  async #beat(): Promise<void> {
    const { clock, mirror } = this.#options
    const seen = mirror.revision >= this.#awaited.revision
    if (!seen && ++this.#awaited.beats > SILENT_BEATS) throw new Error('the watch is silent')
    const asked = clock.now()
    const seconds = await this.client.renewLease(this.#lease)
    if (seconds === 0) return this.#end('the lease ran out')
    this.#leaseUntil = asked + seconds * 1000
    const revision = await this.#writeDigest()
    if (seen) this.#awaited = { revision, beats: 0 }
    this.#findLostMasters()
    if (mirror.leader.value === '') await this.#campaign()
  }

  #findLostMasters(): void {
    const { clock, beatMs, onMasterLost } = this.#options
    for (const [id, at] of this.#masters) {
      if (clock.now() - at <= LOST_BEATS * beatMs) continue
      this.#masters.delete(id)
      onMasterLost(id)
    }
  }

  /** @returns the revision of the last write */
  async #writeDigest(): Promise<number> {
    const { keys, masterId, digest } = this.#options
    let revision = 0
    for (const [part, value] of digest.take().entries()) {
      const put = { put: keys.heard(masterId, part), value, lease: this.#lease }
      revision = (await this.client.transact([], [put])).revision
    }
    return revision
  }
}
