import { stringifyJson } from '../../model/json/json.ts'
import { podOf, type Pod } from '../../model/pod.ts'
import type { Condition, EtcdClient, Operation, Outcome } from './client.ts'
import type { EtcdKeys } from './keys.ts'
import type { EtcdMirror } from './mirror.ts'
import type { NewPod } from '../store.ts'

interface Waiting {
  newPod: NewPod
  bytes: number
  resolve: (pod: Pod) => void
  reject: (error: unknown) => void
}

export interface EtcdAdmissionsOptions {
  keys: EtcdKeys
  mirror: EtcdMirror
  /** @throws when there is no contact */
  client: () => EtcdClient
  /** Whether the pod is one that this master removed and etcd still has. */
  isRemoved: (pod: Pod) => boolean
}

/** etcd takes 128 operations and 1.5 MiB in a transaction, unless told otherwise. */
const MAX_BATCH = 100
const MAX_BATCH_BYTES = 512 * 1024

/**
 * Gives new pods their numbers: one transaction for all that wait, on condition
 * that the counter is where it was and none of the pods is there. Where other
 * masters were faster, their pods are taken over and the rest is tried again.
 */
export class EtcdAdmissions {
  readonly #options: EtcdAdmissionsOptions
  #queue: Waiting[] = []
  #running = false

  constructor(options: EtcdAdmissionsOptions) {
    this.#options = options
  }

  async admit(newPod: NewPod): Promise<Pod> {
    const bytes = stringifyJson(newPod).length
    return new Promise((resolve, reject) => {
      this.#queue.push({ newPod, bytes, resolve, reject })
      if (!this.#running) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    // Those that arrive in the same turn go together.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const batch = this.#takeBatch()
      try {
        await this.#admitAll(batch)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#running = false
  }

  #takeBatch(): Waiting[] {
    let size = 0
    let bytes = 0
    for (const waiting of this.#queue) {
      if (size >= MAX_BATCH || (size > 0 && bytes + waiting.bytes > MAX_BATCH_BYTES)) break
      bytes += waiting.bytes
      size++
    }
    return this.#queue.splice(0, size)
  }

  async #admitAll(batch: readonly Waiting[]): Promise<void> {
    const { mirror } = this.#options
    for (const { newPod } of batch) mirror.beginWrite(newPod.key)
    const open = new Set(batch)
    try {
      while (open.size > 0) await this.#tryBatch(open)
    } finally {
      for (const { newPod } of open) mirror.endWrite(newPod.key)
    }
  }

  /** One transaction; takes those that are settled out of `open`. */
  async #tryBatch(open: Set<Waiting>): Promise<void> {
    const { keys, mirror, client } = this.#options
    const { seq } = mirror
    const first = mirror.nextSeq
    const pods = [...open].map(({ newPod }, i) => podOf(newPod, { firstSeen: newPod.firstSeen, seq: first + i }))
    const outcome = await client().transact(
      [{ key: keys.seq, of: 'mod', equals: seq.modRevision }, ...pods.map((pod) => this.#isNew(pod))],
      [
        { put: keys.seq, value: String(first + pods.length) },
        ...pods.map((pod): Operation => ({ put: keys.pod(pod.key), value: stringifyJson(pod) }))
      ],
      [{ get: keys.seq }, ...pods.map((pod): Operation => ({ get: keys.pod(pod.key) }))]
    )
    if (outcome.succeeded) this.#admitted(open, pods, outcome, String(first + pods.length))
    else this.#takeOver(open, outcome)
  }

  /**
   * A pod that was removed here counts as new though its removal has not reached etcd, and so does one whose value in
   * etcd is none: it is replaced.
   */
  #isNew(pod: Pod): Condition {
    const { keys, mirror, isRemoved } = this.#options
    const stored = mirror.pods.get(pod.key)
    const replaced = stored !== undefined && isRemoved(stored.pod)
    return {
      key: keys.pod(pod.key),
      of: 'mod',
      equals: replaced ? stored.modRevision : (mirror.unreadable.get(pod.key) ?? 0)
    }
  }

  #admitted(open: Set<Waiting>, pods: readonly Pod[], { revision }: Outcome, nextSeq: string): void {
    const { mirror } = this.#options
    mirror.learnSeq({ value: nextSeq, modRevision: revision })
    for (const [i, waiting] of [...open].entries()) {
      const pod = pods[i] as Pod
      const createRevision = mirror.pods.get(pod.key)?.createRevision ?? revision
      open.delete(waiting)
      mirror.endWrite(pod.key, { revision, pod: { pod, createRevision, modRevision: revision } })
      waiting.resolve(pod)
    }
  }

  #takeOver(open: Set<Waiting>, { found: [seq, ...existing] }: Outcome): void {
    const { mirror, isRemoved } = this.#options
    mirror.learnSeq(seq)
    for (const [i, waiting] of [...open].entries()) {
      const stored = existing[i] && mirror.readPod(existing[i])
      if (stored === undefined) {
        mirror.pods.delete(waiting.newPod.key)
        if (existing[i] === undefined) mirror.unreadable.delete(waiting.newPod.key)
        continue
      }
      mirror.pods.set(stored.pod.key, stored)
      if (isRemoved(stored.pod)) continue
      open.delete(waiting)
      mirror.endWrite(stored.pod.key)
      waiting.resolve(stored.pod)
    }
  }
}
