import { messageOf } from '../../errors.ts'
import { parseJson } from '../../model/json/json.ts'
import { isSeq, parsePod, type Pod } from '../../model/pod.ts'
import type { Logger } from '../../platform/logger.ts'
import type { KeyChange, KeyValue, Listing } from './client.ts'
import type { EtcdKeys } from './keys.ts'
import type { CallbackRun, StoreListener } from '../store.ts'

export interface StoredPod {
  pod: Pod
  createRevision: number
  modRevision: number
}

export interface Stored {
  value: string
  modRevision: number
}

const NO_LEADER = { value: '', modRevision: 0, createRevision: 0 }

/** What an own write left behind. */
interface Written {
  revision: number
  pod: StoredPod | undefined
}

/** A key or a value may be as long as etcd takes it; a log line must not. */
const LOGGED = 200

/**
 * What this master knows to be in etcd: the last listing, the changes watched
 * since, and its own writes, which count from the moment etcd has accepted them.
 *
 * The changes come in the order of their revisions, but each of this master's
 * own writes comes twice: as the answer, and as a change that may be seen
 * before the answer or long after. So changes of a key that is being written
 * wait for the answer, and those up to its revision are dropped.
 */
export class EtcdMirror {
  readonly pods = new Map<string, StoredPod>()
  /** Revision of each value that is no pod, by the key that a pod would have. */
  readonly unreadable = new Map<string, number>()
  seq: Stored = { value: '0', modRevision: 0 }
  lastRun: CallbackRun | undefined
  filled = false
  /** Id of the leading master, empty when there is none, and the revision at which its term began. */
  leader: Stored & { createRevision: number } = NO_LEADER
  /** Values that were no pod, or no number, since the start. */
  skipped = 0
  /** Of the last change or listing. */
  revision = 0
  /** Told of what other masters did; nobody is while the store opens. */
  listener: StoreListener | undefined
  readonly #keys: EtcdKeys
  readonly #logger: Logger
  #clusterId: string | undefined
  /** Changes that wait for the end of own writes, by key of the pod. */
  readonly #waiting = new Map<string, { writers: number; changes: KeyChange[] }>()
  /** Of all pods that were ever seen. */
  #highestSeq = -1
  /** Revision of the last own write of a pod, until the change itself was seen. */
  readonly #written = new Map<string, number>()

  constructor({ keys, logger }: { keys: EtcdKeys; logger: Logger }) {
    this.#keys = keys
    this.#logger = logger
  }

  /**
   * Begins anew with what etcd holds.
   *
   * @returns pods that etcd does not know any more because it lost its data: to be written again
   */
  load({ values, revision, clusterId }: Listing): Pod[] {
    const wiped = this.#clusterId !== undefined && (clusterId !== this.#clusterId || revision < this.revision)
    this.#clusterId = clusterId
    this.revision = revision
    this.#waiting.clear()
    this.#written.clear()
    this.unreadable.clear()
    const listed = new Set(values.map(({ key }) => key))
    const missing = [...this.pods.values()].filter(({ pod }) => !listed.has(this.#keys.pod(pod.key)))
    for (const { pod } of missing) {
      if (wiped) this.pods.delete(pod.key)
      else this.#removed(pod.key)
    }
    this.leader = NO_LEADER
    this.seq = { value: '0', modRevision: 0 }
    // A listing is the truth even where its revisions are lower than those before the loss.
    if (wiped) for (const stored of this.pods.values()) stored.modRevision = 0
    for (const value of values) this.#apply(value)
    return wiped ? missing.map(({ pod }) => pod) : []
  }

  applyAll(changes: readonly KeyChange[], revision: number): void {
    for (const change of changes) this.#apply(change)
    this.revision = Math.max(this.revision, revision)
  }

  /** To be called before a pod is written; changes of it wait until `endWrite`. */
  beginWrite(key: string): void {
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) this.#waiting.set(key, { writers: 1, changes: [] })
    else waiting.writers++
  }

  /** @param written what the write left behind; absent when it failed or changed nothing */
  endWrite(key: string, written?: Written): void {
    if (written !== undefined) this.#wrote(key, written)
    const waiting = this.#waiting.get(key)
    if (waiting === undefined || --waiting.writers > 0) return
    this.#waiting.delete(key)
    for (const change of waiting.changes) this.#applyPod(key, change)
  }

  #wrote(key: string, { revision, pod }: Written): void {
    if (pod !== undefined) this.#highestSeq = Math.max(this.#highestSeq, pod.pod.seq)
    if (revision <= (this.pods.get(key)?.modRevision ?? 0)) return
    this.#written.set(key, Math.max(revision, this.#written.get(key) ?? 0))
    if (pod === undefined) this.pods.delete(key)
    else this.pods.set(key, pod)
  }

  /** From an answer or a change; the later revision counts. */
  learnSeq(seq: Stored | undefined): void {
    if (seq === undefined || seq.modRevision <= this.seq.modRevision) return
    this.seq = seq
    if (isSeq(Number(seq.value || NaN))) return
    this.#skip(this.#keys.seq, 'it is no sequence number')
    // The next pod that comes is written with the right one.
    this.seq = { value: '0', modRevision: seq.modRevision }
  }

  /** From an answer or a change; the later revision counts. */
  learnLeader(leader: EtcdMirror['leader'] | undefined): void {
    if (leader !== undefined && leader.modRevision > this.leader.modRevision) this.leader = leader
  }

  /** The number of the next pod; above that of all pods, whatever the counter in etcd says. */
  get nextSeq(): number {
    return Math.max(Number(this.seq.value), this.#highestSeq + 1)
  }

  /** Undefined for what is no pod: anybody who may write to etcd could have put it there. */
  readPod({ key, value, createRevision, modRevision }: KeyValue): StoredPod | undefined {
    const { name } = this.#keys.parse(key)
    try {
      const pod = parsePod(name, parseJson(value))
      this.unreadable.delete(name)
      this.#highestSeq = Math.max(this.#highestSeq, pod.seq)
      return { pod, createRevision, modRevision }
    } catch (error) {
      this.unreadable.set(name, modRevision)
      this.#skip(key, messageOf(error))
      return undefined
    }
  }

  #skip(key: string, problem: string): void {
    this.skipped++
    this.#logger.warn({ key: key.slice(0, LOGGED), problem: problem.slice(0, LOGGED) }, 'value in etcd skipped')
  }

  #apply(change: KeyChange): void {
    const { kind, name } = this.#keys.parse(change.key)
    switch (kind) {
      case 'pods': {
        const waiting = this.#waiting.get(name)
        if (waiting === undefined) this.#applyPod(name, change)
        else waiting.changes.push(change)
        break
      }
      case 'seq':
        this.learnSeq({ value: change.value ?? '0', modRevision: change.modRevision })
        break
      case 'state':
        this.learnRun({ state: change.value })
        break
      case 'ran':
        this.learnRun({ digest: change.value })
        break
      case 'filled':
        this.filled = change.value !== undefined
        break
      case 'leader':
        this.learnLeader({ ...change, value: change.value ?? '' })
        break
    }
  }

  #applyPod(key: string, change: KeyChange): void {
    const { value, createRevision, modRevision } = change
    const written = this.#written.get(key) ?? 0
    if (modRevision >= written) this.#written.delete(key)
    if (modRevision <= Math.max(written, this.pods.get(key)?.modRevision ?? 0)) return
    if (value === undefined) {
      this.unreadable.delete(key)
      return this.#removed(key)
    }
    const stored = this.readPod({ key: change.key, value, createRevision, modRevision })
    if (stored === undefined) return
    this.pods.set(key, stored)
    this.listener?.onPut(stored.pod)
  }

  #removed(key: string): void {
    const stored = this.pods.get(key)
    if (stored === undefined) return
    this.pods.delete(key)
    this.listener?.onRemove(key, stored.pod.seq)
  }

  /** From an answer or a change: one of the two, or both. */
  learnRun(change: { [K in keyof CallbackRun]?: CallbackRun[K] | undefined }): void {
    const last = this.lastRun ?? { digest: '', state: undefined }
    // A value that was deleted by hand is no run.
    const run = { digest: change.digest ?? last.digest, state: change.state ?? last.state }
    if (run.state === last.state && run.digest === last.digest) return
    this.lastRun = run
    this.listener?.onCallbackRun(run)
  }
}
