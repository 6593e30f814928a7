import { randomBytes, randomInt } from 'node:crypto'
import { KontrolError, messageOf } from '../errors.ts'
import type { Pod } from '../model/pod.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { EtcdAdmissions } from './etcd-admissions.ts'
import type { EtcdClient, Operation } from './etcd-client.ts'
import { EtcdKeys } from './etcd-keys.ts'
import { EtcdMirror, type StoredPod } from './etcd-mirror.ts'
import { EtcdSession } from './etcd-session.ts'
import { HeardReport } from './heard-report.ts'
import type { NewPod, Store, StoredState, StoreListener } from './store.ts'

export interface EtcdStoreOptions {
  /** URLs of the members, `http://host:port`. */
  hosts: readonly string[]
  namespace: string
  /** App of the proxies: its masters share one registry. */
  app: string
  /** Of this pod; shown in etcd. */
  id: string
  /** Milliseconds after which a silent leader is replaced. */
  foverMs: number
  ttlMs: number
  clock: Clock
  logger: Logger
  /** How long `open` tries to reach etcd. */
  openTimeoutMs?: number
}

const DEFAULT_OPEN_TIMEOUT_MS = 15_000
/** Masters tell each other 20 times a TTL which pods they heard: a pod has a quarter of the TTL to spare. */
const BEATS_PER_TTL = 20
const RETRY_MS = { first: 100, most: 2000 }
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
  readonly #report: HeardReport
  readonly #admissions: EtcdAdmissions
  readonly #masterId: string
  /** Sessions so far: each is with the next member, and not all masters begin with the same one. */
  #attempts = randomInt(1024)
  #session: EtcdSession | undefined
  #keptUp: Promise<void> = Promise.resolve()
  /** Pods that are to be removed, until etcd has done it. */
  readonly #removals = new Map<string, Pod>()
  /** The last write of each pod that has one under way: they must not overtake one another. */
  readonly #writing = new Map<string, Promise<unknown>>()
  /** What etcd lost and was not yet told again. */
  #lost: readonly Pod[] = []
  readonly #closing = new AbortController()

  constructor(options: EtcdStoreOptions) {
    this.#options = options
    this.#keys = new EtcdKeys(options)
    this.#mirror = new EtcdMirror({ keys: this.#keys, logger: options.logger })
    this.#report = new HeardReport(options.clock)
    this.#masterId = `${options.id}-${randomBytes(4).toString('hex')}`
    this.#admissions = new EtcdAdmissions({
      keys: this.#keys,
      mirror: this.#mirror,
      client: () => this.#client(),
      isRemoved: ({ key, seq }) => this.#removals.get(key)?.seq === seq
    })
  }

  get leading(): boolean {
    return this.#session?.leading ?? false
  }

  async open(listener: StoreListener): Promise<StoredState> {
    const { clock, openTimeoutMs = DEFAULT_OPEN_TIMEOUT_MS } = this.#options
    await this.#connect(clock.now() + openTimeoutMs)
    this.#mirror.listener = listener
    this.#keptUp = this.#keepUp()
    const pods = [...this.#mirror.pods.values()].map(({ pod }) => pod)
    const { callbackState, seq } = this.#mirror
    return { pods, callbackState, isNew: seq.modRevision === 0 }
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
    this.#report.add(key)
  }

  async saveCallbackState(state: string): Promise<void> {
    await this.#guard(() => this.#client().transact([], [{ put: this.#keys.state, value: state }]))
    this.#mirror.callbackState = state
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#mirror.listener = undefined
    await Promise.allSettled(this.#writing.values())
    await this.#session?.close()
    await this.#keptUp
  }

  #client(): EtcdClient {
    if (this.#session === undefined)
      throw new Error(this.#closing.signal.aborted ? 'it is closed' : 'there is no contact')
    return this.#session.client
  }

  async #put(pod: Pod): Promise<void> {
    const stored = this.#mirror.pods.get(pod.key)
    // Of another number: it left and came back at another master, which knows better.
    if (stored !== undefined && stored.pod.seq !== pod.seq) return
    const { succeeded, revision } = await this.#write(pod, stored, {
      put: this.#keys.pod(pod.key),
      value: JSON.stringify(pod)
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
      return await this.#client().transact([condition], [operation])
    } catch (error) {
      this.#mirror.endWrite(pod.key)
      throw error
    }
  }

  async #removeAll(pods: readonly Pod[]): Promise<void> {
    await inParallel(pods, (pod) => this.#inTurn(pod.key, () => this.#remove(pod)))
  }

  async #inTurn<T>(key: string, write: () => Promise<T>): Promise<T> {
    const guarded = (): Promise<T> => this.#guard(write)
    const now = (this.#writing.get(key) ?? Promise.resolve()).then(guarded, guarded)
    this.#writing.set(key, now)
    try {
      return await now
    } finally {
      if (this.#writing.get(key) === now) this.#writing.delete(key)
    }
  }

  async #guard<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request()
    } catch (cause) {
      throw this.#unavailable(cause)
    }
  }

  #unavailable(cause: unknown): KontrolError {
    const hosts = this.#options.hosts.join(', ')
    return new KontrolError('KTL_STORE_UNAVAILABLE', `Cannot use etcd at ${hosts}: ${messageOf(cause)}`, {
      cause,
      hint: 'Check KONTROL_ETCD, and that the cluster is reachable and has a leader.'
    })
  }

  /** One contact after the other, as long as the store is open. */
  async #keepUp(): Promise<void> {
    while (!this.#closing.signal.aborted && this.#session !== undefined) {
      const reason = await this.#session.ended
      this.#session = undefined
      if (this.#closing.signal.aborted) return
      this.#options.logger.warn({ reason }, 'etcd lost')
      this.#mirror.listener?.onContact(false)
      await this.#connect(Infinity)
      if (this.#closing.signal.aborted) return
      this.#options.logger.info({ pods: this.#mirror.pods.size }, 'etcd found again')
      this.#mirror.listener?.onContact(true)
      if (this.leading) this.#mirror.listener?.onLeadership(true)
      this.#removeAll([...this.#removals.values()]).catch(() => {
        // They are remembered until the next contact.
      })
    }
  }

  async #connect(deadline: number): Promise<void> {
    for (let delay = RETRY_MS.first; !this.#closing.signal.aborted; delay = Math.min(2 * delay, RETRY_MS.most)) {
      try {
        await this.#beginSession()
        return
      } catch (error) {
        if (this.#options.clock.now() >= deadline) throw this.#unavailable(error)
        this.#options.logger.debug({ err: error }, 'etcd not reached')
      }
      await pause(this.#options.clock, delay, this.#closing.signal)
    }
  }

  async #beginSession(): Promise<void> {
    const { hosts, clock, foverMs, ttlMs } = this.#options
    const host = hosts[this.#attempts++ % hosts.length] as string
    const { session, lost } = await EtcdSession.begin({
      host,
      keys: this.#keys,
      mirror: this.#mirror,
      report: this.#report,
      clock,
      masterId: this.#masterId,
      foverMs,
      beatMs: Math.min(ttlMs / BEATS_PER_TTL, foverMs / 3),
      patienceMs: Math.min(ttlMs / 4, foverMs / 2),
      onHeard: (keys, ageMs) => this.#mirror.listener?.onHeard(keys, ageMs),
      onMasterLost: (id) => this.#masterLost(id),
      onLeadership: (leading) => this.#mirror.listener?.onLeadership(leading)
    })
    this.#session = session
    this.#lost = [...this.#lost, ...lost]
    if (this.#closing.signal.aborted) await session.close()
    else await this.#restore()
  }

  #masterLost(id: string): void {
    this.#options.logger.warn({ master: id }, 'master lost')
    this.#mirror.listener?.onMasterLost()
  }

  /** etcd came back without its data: what this master knows is put back. */
  async #restore(): Promise<void> {
    if (this.#lost.length === 0) return
    this.#options.logger.warn({ pods: this.#lost.length }, 'etcd lost its data, writing it again')
    const { seq } = this.#mirror
    const next = this.#lost.reduce((most, pod) => Math.max(most, pod.seq + 1), Number(seq.value))
    const condition = { key: this.#keys.seq, of: 'mod', equals: seq.modRevision } as const
    await this.#client().transact([condition], [{ put: this.#keys.seq, value: String(next) }])
    const { callbackState } = this.#mirror
    if (callbackState !== undefined) await this.saveCallbackState(callbackState)
    await inParallel(this.#lost, (pod) => this.put(pod))
    this.#lost = []
  }
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(PARALLEL_WRITES, items.length) }, worker))
}

/** Ends early, and without an error, when aborted. */
async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(ms, end)
    signal.addEventListener('abort', end)
  })
}
