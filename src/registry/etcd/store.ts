import { stringifyJson } from '../../model/json/json.ts'
import type { MasterWord, OtherMaster } from '../../model/master.ts'
import type { Pod } from '../../model/pod.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import { EtcdAdmissions } from './admissions.ts'
import type { Operation } from './client.ts'
import { EtcdConnection } from './connection.ts'
import type { EtcdAccess } from './gateway.ts'
import { EtcdKeys } from './keys.ts'
import { EtcdMirror, type StoredPod } from './mirror.ts'
import { KeepaliveDigest } from './digest.ts'
import { KontrolError } from '../../errors.ts'
import type { CallbackRun, Leadership, NewPod, Store, StoredState, StoreListener } from '../store.ts'

export interface EtcdStoreOptions {
  /** URLs of the members, `http://host:port` or `https://…`. */
  hosts: readonly string[]
  access?: EtcdAccess
  namespace: string
  /** App of the proxies: its masters share one registry. */
  app: string
  /** Of this pod; shown in etcd. */
  id: string
  /** Milliseconds after which a silent leader is replaced. */
  foverMs: number
  ttlMs: number
  /** Of all that etcd holds of this app. */
  maxListedBytes: number
  /** Told to the other masters with each beat; absent, they know of this one by the pods that it hears. */
  word?: (() => MasterWord) | undefined
  clock: Clock
  logger: Logger
}

const PARALLEL_WRITES = 32

/**
 * A store that several masters share: pods and their numbers, the callback
 * state and the leadership are in etcd v3 (see EtcdKeys). Pods are kept there
 * without a lease, so that they outlive any outage; the leader removes them.
 *
 * While etcd is out of reach everything known stays known, new pods are
 * refused, and removals are remembered.
 */
export class EtcdStore implements Store {
  readonly #options: EtcdStoreOptions
  readonly #keys: EtcdKeys
  readonly #mirror: EtcdMirror
  readonly #digest: KeepaliveDigest
  readonly #admissions: EtcdAdmissions
  readonly #connection: EtcdConnection
  /** Pods that are to be removed, until etcd has done it. */
  readonly #removals = new Map<string, Pod>()
  /** The last write of each pod that has one under way: they must not overtake one another. */
  readonly #writing = new Map<string, Promise<unknown>>()
  /** What etcd lost and was not yet told again. */
  #lost: readonly Pod[] = []

  constructor(options: EtcdStoreOptions) {
    this.#options = options
    this.#keys = new EtcdKeys(options)
    this.#mirror = new EtcdMirror({ keys: this.#keys, logger: options.logger })
    this.#digest = new KeepaliveDigest(options.clock, options.word)
    this.#connection = new EtcdConnection({
      access: {},
      ...options,
      keys: this.#keys,
      mirror: this.#mirror,
      digest: this.#digest,
      onBegun: (lost) => this.#restore(lost),
      onFound: () => this.#repeatRemovals()
    })
    this.#admissions = new EtcdAdmissions({
      keys: this.#keys,
      mirror: this.#mirror,
      client: () => this.#connection.client(),
      isRemoved: ({ key, seq }) => this.#removals.get(key)?.seq === seq
    })
  }

  get leading(): boolean {
    return this.#connection.leading
  }

  get leadership(): Leadership | undefined {
    return this.#connection.leadership
  }

  get others(): readonly OtherMaster[] {
    return this.#connection.others
  }

  get skipped(): number {
    return this.#mirror.skipped
  }

  async open(listener: StoreListener, signal?: AbortSignal): Promise<StoredState> {
    await this.#connection.open(signal)
    this.#mirror.listener = listener
    this.#connection.keepUp()
    const pods = [...this.#mirror.pods.values()].map(({ pod }) => pod)
    const { lastRun, filled } = this.#mirror
    return { pods, lastRun, isFilled: filled }
  }

  async admit(newPod: NewPod): Promise<Pod> {
    return this.#inTurn(newPod.key, () => this.#admissions.admit(newPod))
  }

  async put(pod: Pod): Promise<void> {
    this.#removals.delete(pod.key)
    await this.#inTurn(pod.key, () => this.#put(pod))
  }

  async remove(pods: readonly Pod[]): Promise<void> {
    for (const pod of pods) this.#removals.set(pod.key, pod)
    await this.#removeAll(pods)
  }

  heard(key: string): void {
    this.#digest.add(key)
  }

  async confirmLeadership(): Promise<Leadership> {
    const { leading, leadership } = this.#connection
    if (!leading || leadership === undefined) throw notLeading()
    await this.#asLeader(leadership.term, [])
    return leadership
  }

  async saveCallbackRun(run: CallbackRun, term: number): Promise<void> {
    await this.#asLeader(term, this.#writesOf(run))
    this.#mirror.learnRun(run)
  }

  #writesOf({ digest, state }: CallbackRun): Operation[] {
    const ran = { put: this.#keys.ran, value: digest }
    return state === undefined ? [ran] : [{ put: this.#keys.state, value: state }, ran]
  }

  /** etcd itself compares: this master may have been stopped for any time since it looked. */
  async #asLeader(term: number, operations: Operation[]): Promise<void> {
    const condition = { key: this.#keys.leader, of: 'create', equals: term } as const
    const { succeeded } = await this.#connection.guard(() =>
      this.#connection.client().transact([condition], operations)
    )
    if (!succeeded) throw notLeading()
  }

  async filled(): Promise<void> {
    await this.#connection.guard(() =>
      this.#connection.client().transact([], [{ put: this.#keys.filled, value: 'true' }])
    )
    this.#mirror.filled = true
  }

  async close(): Promise<void> {
    this.#connection.giveUp()
    this.#mirror.listener = undefined
    await Promise.allSettled(this.#writing.values())
    await this.#connection.close()
  }

  async #put(pod: Pod): Promise<void> {
    const stored = this.#mirror.pods.get(pod.key)
    // Of another number: it left and came back at another master, which knows better.
    if (stored !== undefined && stored.pod.seq !== pod.seq) return
    const { succeeded, revision } = await this.#write(pod, stored, {
      put: this.#keys.pod(pod.key),
      value: stringifyJson(pod)
    })
    const createRevision = stored?.createRevision ?? revision
    this.#mirror.endWrite(
      pod.key,
      succeeded ? { revision, pod: { pod, createRevision, modRevision: revision } } : undefined
    )
  }

  async #remove(pod: Pod): Promise<void> {
    const stored = this.#mirror.pods.get(pod.key)
    if (stored !== undefined && stored.pod.seq === pod.seq) {
      const { succeeded, revision } = await this.#write(pod, stored, { delete: this.#keys.pod(pod.key) })
      this.#mirror.endWrite(pod.key, succeeded ? { revision, pod: undefined } : undefined)
    }
    if (this.#removals.get(pod.key) === pod) this.#removals.delete(pod.key)
  }

  /** One change of a pod, if it is still the same one. The caller ends the write unless this throws. */
  async #write(pod: Pod, stored: StoredPod | undefined, operation: Operation) {
    this.#mirror.beginWrite(pod.key)
    try {
      const condition = { key: this.#keys.pod(pod.key), of: 'create', equals: stored?.createRevision ?? 0 } as const
      return await this.#connection.client().transact([condition], [operation])
    } catch (error) {
      this.#mirror.endWrite(pod.key)
      throw error
    }
  }

  async #removeAll(pods: readonly Pod[]): Promise<void> {
    await inParallel(pods, (pod) => this.#inTurn(pod.key, () => this.#remove(pod)))
  }

  async #inTurn<T>(key: string, write: () => Promise<T>): Promise<T> {
    const guarded = (): Promise<T> => this.#connection.guard(write)
    const now = (this.#writing.get(key) ?? Promise.resolve()).then(guarded, guarded)
    this.#writing.set(key, now)
    try {
      return await now
    } finally {
      if (this.#writing.get(key) === now) this.#writing.delete(key)
    }
  }

  #repeatRemovals(): void {
    this.#removeAll([...this.#removals.values()]).catch(() => {
      // They are remembered until the next contact.
    })
  }

  /** etcd came back without its data: what this master knows is put back. */
  async #restore(lost: readonly Pod[]): Promise<void> {
    this.#lost = [...this.#lost, ...lost]
    if (this.#lost.length === 0) return
    this.#options.logger.warn({ pods: this.#lost.length }, 'etcd lost its data, writing it again')
    const { seq } = this.#mirror
    const next = this.#lost.reduce((most, pod) => Math.max(most, pod.seq + 1), this.#mirror.nextSeq)
    const condition = { key: this.#keys.seq, of: 'mod', equals: seq.modRevision } as const
    await this.#connection.client().transact([condition], [{ put: this.#keys.seq, value: String(next) }])
    const { lastRun, filled } = this.#mirror
    if (lastRun !== undefined) {
      const first = { key: this.#keys.ran, of: 'create', equals: 0 } as const
      await this.#connection.client().transact([first], this.#writesOf(lastRun))
    }
    if (filled) await this.filled()
    await inParallel(this.#lost, (pod) => this.put(pod))
    this.#lost = []
  }
}

const notLeading = (): KontrolError =>
  new KontrolError('KTL_NOT_LEADING', 'Another master leads by now', {
    hint: 'The callback runs there, for the pods as they are.'
  })

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(PARALLEL_WRITES, items.length) }, worker))
}
