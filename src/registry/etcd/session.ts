import { messageOf } from '../../errors.ts'
import type { MasterWord, OtherMaster } from '../../model/master.ts'
import type { Pod } from '../../model/pod.ts'
import type { Clock } from '../../platform/clock.ts'
import { Poller } from '../../platform/poller.ts'
import { EtcdClient, type KeyChange } from './client.ts'
import { REQUEST_TIMEOUT_MS, type EtcdAccess } from './gateway.ts'
import type { EtcdKeys } from './keys.ts'
import type { EtcdMirror } from './mirror.ts'
import type { Leadership } from '../store.ts'
import { parseDigest, type KeepaliveDigest } from './digest.ts'

export interface EtcdSessionOptions {
  /** The member that this session is with. */
  host: string
  access: EtcdAccess
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
  /** How long no beat of another master may come before it counts as lost. */
  lostMs: number
  /** How long beats may fail before contact counts as lost. */
  patienceMs: number
  /** Of all that etcd holds of this app. */
  maxListedBytes: number
  onHeard: (keys: readonly string[], ageMs: number) => void
  onMasterLost: (masterId: string) => void
  onLeadership: (leading: boolean) => void
}

/** Unseen for at least this many beats, and for as long as a request may take, the watch is taken for dead. */
const SILENT_BEATS = 2
/** They do not wait for one another: an etcd that is slow is told as often as one that is fast. */
const MAX_BEATS_UNDER_WAY = 20

/** The last of another master. */
interface Beat {
  /** On the monotonic clock. */
  at: number
  /** Milliseconds since the epoch. */
  heardAt: number
  /** The last that it said of itself. */
  word: MasterWord | undefined
}

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
  /** Revision at which this master began to lead; it stays when contact is lost. */
  #term: number | undefined
  #goodUntil = 0
  /** Revision of a beat that must come back through the watch, and how many beats it did not. */
  #awaited = { revision: 0, beats: 0 }
  readonly #beats: Poller
  #beatsUnderWay = 0
  /** The other masters that live. */
  readonly #masters = new Map<string, Beat>()

  private constructor(client: EtcdClient, options: EtcdSessionOptions) {
    this.client = client
    this.#options = options
    const { clock, beatMs: intervalMs } = options
    this.#beats = new Poller({
      clock,
      intervalMs,
      poll: async () => {
        if (this.#beatsUnderWay < MAX_BEATS_UNDER_WAY) void this.#tryBeat()
      },
      onError: (error) => this.#end(messageOf(error))
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
    const session = new EtcdSession(await EtcdClient.create(options.host, options.access), options)
    try {
      return { session, lost: await session.#start() }
    } catch (error) {
      session.#end(messageOf(error))
      throw error
    }
  }

  /** Its time runs on when contact is lost: until then nobody else is let in. */
  get leadership(): Leadership | undefined {
    // Not when this process was stopped for so long that another one leads by now.
    if (this.#term === undefined || this.#options.clock.monotonic() >= this.#leaseUntil) return undefined
    return { term: this.#term, until: this.#leaseUntil }
  }

  get leading(): boolean {
    return this.#leads && this.leadership !== undefined
  }

  /** Those that say something of themselves. */
  others(): OtherMaster[] {
    const leader = this.#options.mirror.leader.value
    return [...this.#masters].flatMap(([id, { word, heardAt }]) =>
      word === undefined ? [] : [{ ...word, leading: id === leader, heardAt }]
    )
  }

  /** Says goodbye: other masters need not wait for the lease to run out. */
  async close(): Promise<void> {
    if (!this.#over) {
      void this.#beats.stop()
      this.#term = undefined
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
    const { keys, mirror, clock, foverMs, maxListedBytes } = this.#options
    const listing = await this.client.list(keys.prefix, maxListedBytes)
    const lost = mirror.load(listing)
    for (const { key, value } of listing.values) this.#readBeat(key, value)
    const asked = clock.monotonic()
    const [{ lease, seconds }] = await Promise.all([
      this.client.grantLease(Math.ceil(foverMs / 1000)),
      this.client.watch(keys.prefix, listing.revision + 1, {
        onChanges: (changes, revision) => this.#changed(changes, revision),
        onEnd: (reason) => this.#end(`watch ended: ${reason}`)
      })
    ])
    this.#lease = lease
    this.#leaseUntil = asked + seconds * 1000
    const [revision] = await Promise.all([this.#writeDigest(), this.#campaign()])
    this.#awaited.revision = revision
    this.#goodUntil = clock.monotonic() + this.#options.patienceMs
    this.#beats.start()
    this.#begun = true
    return lost
  }

  #changed(changes: readonly KeyChange[], revision: number): void {
    if (this.#over) return
    this.#options.mirror.applyAll(changes, revision)
    for (const change of changes) this.#notice(change)
    this.#seeLeader()
    // If that fails, the next beat tries again.
    if (this.#options.mirror.leader.value === '' && this.#begun) this.#campaign().catch(() => {})
  }

  /** What other masters say of themselves, and of the pods that they heard. */
  #notice({ key, value }: KeyChange): void {
    if (value === undefined) {
      const { kind, name } = this.#options.keys.parse(key)
      if (kind === 'masters' && this.#masters.delete(name)) this.#options.onMasterLost(name)
    } else {
      for (const [ageMs, pods] of this.#readBeat(key, value)) this.#options.onHeard(pods, ageMs)
    }
  }

  /** @returns which pods another master heard, which then lives; none where the key is no master's */
  #readBeat(key: string, value: string): ReturnType<typeof parseDigest>['heard'] {
    const { keys, masterId, clock } = this.#options
    const { kind, name } = keys.parse(key)
    if (kind !== 'masters' || name === masterId) return []
    const { heard, word = this.#masters.get(name)?.word } = parseDigest(value)
    this.#masters.set(name, { at: clock.monotonic(), heardAt: clock.now(), word })
    return heard
  }

  async #campaign(): Promise<void> {
    const { keys, masterId, mirror } = this.#options
    const { succeeded, revision, found } = await this.client.transact(
      [{ key: keys.leader, of: 'create', equals: 0 }],
      [{ put: keys.leader, value: masterId, lease: this.#lease }],
      [{ get: keys.leader }]
    )
    if (this.#over) return
    mirror.learnLeader(succeeded ? { value: masterId, modRevision: revision, createRevision: revision } : found[0])
    if (!succeeded && found[0]?.value === masterId) await this.#keepLeading(found[0].modRevision)
    this.#seeLeader()
  }

  /** The key is from a session before this one, and would go with its lease: the term goes on under ours. */
  async #keepLeading(modRevision: number): Promise<void> {
    const { keys, masterId } = this.#options
    await this.client.transact(
      [{ key: keys.leader, of: 'mod', equals: modRevision }],
      [{ put: keys.leader, value: masterId, lease: this.#lease }]
    )
  }

  #seeLeader(): void {
    const { mirror, masterId } = this.#options
    const { value, createRevision } = mirror.leader
    this.#term = value === masterId ? createRevision : undefined
    this.#lead(value === masterId)
  }

  #lead(leading: boolean): void {
    if (leading === this.#leads) return
    this.#leads = leading
    if (this.#begun) this.#options.onLeadership(leading)
  }

  async #tryBeat(): Promise<void> {
    const { clock, patienceMs } = this.#options
    this.#beatsUnderWay++
    try {
      await this.#beat()
      this.#goodUntil = clock.monotonic() + patienceMs
    } catch (error) {
      if (clock.monotonic() >= this.#goodUntil) this.#end(messageOf(error))
    } finally {
      this.#beatsUnderWay--
    }
  }

  async #beat(): Promise<void> {
    const { mirror, beatMs } = this.#options
    const seen = mirror.revision >= this.#awaited.revision
    const silentBeats = Math.max(SILENT_BEATS, REQUEST_TIMEOUT_MS / beatMs)
    if (!seen && ++this.#awaited.beats > silentBeats) throw new Error('the watch is silent')
    const [, revision] = await Promise.all([this.#renewLease(), this.#writeDigest()])
    if (seen && revision > this.#awaited.revision) this.#awaited = { revision, beats: 0 }
    this.#findLostMasters()
    if (mirror.leader.value === '') await this.#campaign()
  }

  async #renewLease(): Promise<void> {
    const { clock } = this.#options
    const asked = clock.monotonic()
    const lapsed = this.#leads && !this.leading
    const seconds = await this.client.renewLease(this.#lease)
    if (seconds === 0) {
      this.#term = undefined
      return this.#end('the lease ran out')
    }
    this.#leaseUntil = Math.max(this.#leaseUntil, asked + seconds * 1000)
    // It was not sure of leading for a moment, and left undone what came then.
    if (lapsed && this.leading) this.#options.onLeadership(true)
  }

  #findLostMasters(): void {
    const { clock, lostMs, onMasterLost } = this.#options
    for (const [id, { at }] of this.#masters) {
      if (clock.monotonic() - at <= lostMs) continue
      this.#masters.delete(id)
      onMasterLost(id)
    }
  }

  /** @returns the revision of the last write */
  async #writeDigest(): Promise<number> {
    const { keys, masterId, digest } = this.#options
    let revision = 0
    await digest.write(async (parts) => {
      for (const [part, value] of parts.entries()) {
        const put = { put: keys.heard(masterId, part), value, lease: this.#lease }
        revision = (await this.client.transact([], [put])).revision
      }
    })
    return revision
  }
}
