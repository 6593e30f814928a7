import { findKontrolError, KontrolError } from '../errors.ts'
import type { Pod } from '../model/pod.ts'
import { Backoff } from '../platform/backoff.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Entry } from './entry.ts'
import type { CallbackRun, NewPod, Store } from './store.ts'

/** Between the attempts at removals that the store did not take. */
const RETRY = { firstMs: 1_000, maxMs: 60_000 }

/**
 * What the registry writes to its store, and why that does not work at the
 * moment. What HAProxy is to do does not wait for changes and removals.
 */
export class StoreWrites {
  readonly #store: Store
  readonly #logger: Logger
  readonly #clock: Clock
  /** Removed pods that the store still has, by key. */
  readonly #unremoved = new Map<string, Pod>()
  readonly #backoff = new Backoff(RETRY)
  #cancelRetry: Cancel | undefined
  #stopped = false
  #problem: KontrolError | undefined

  constructor(store: Store, logger: Logger, clock: Clock) {
    this.#store = store
    this.#logger = logger
    this.#clock = clock
  }

  /** Of the last write, or of the contact, until either works again. */
  get problem(): KontrolError | undefined {
    return this.#problem
  }

  /** @throws KontrolError KTL_STORE_UNAVAILABLE */
  async admit(newPod: NewPod): Promise<Pod> {
    const pod = await this.#watched(this.#store.admit(newPod))
    this.#unremoved.delete(pod.key)
    return pod
  }

  /** In the background; a pod that was not saved stays marked as such, to be tried at its next keepalive. */
  save(entry: Entry): void {
    const { pod, unsaved } = entry
    entry.unsaved = true
    this.#watched(this.#store.put(pod)).then(
      () => {
        if (entry.pod === pod) entry.unsaved = false
      },
      (err: unknown) => {
        if (!unsaved) this.#logger.warn({ err, key: pod.key }, 'pod not saved')
      }
    )
  }

  /**
   * In the background. What the store does not take is tried again: a restart would know the pods once more, for one TTL, and
   * the other masters of an etcd know them until they are removed.
   */
  remove(pods: readonly Pod[]): void {
    this.#watched(this.#store.remove(pods)).then(
      () => {
        for (const { key, seq } of pods) if (this.#unremoved.get(key)?.seq === seq) this.#unremoved.delete(key)
        this.#backoff.reset()
      },
      (err: unknown) => {
        for (const pod of pods) this.#unremoved.set(pod.key, pod)
        if (this.#cancelRetry !== undefined || this.#stopped) return
        this.#logger.warn({ err, pods: this.#unremoved.size }, 'pods not removed from the store')
        this.#cancelRetry = this.#clock.after(this.#backoff.next(), () => {
          this.#cancelRetry = undefined
          if (this.#unremoved.size > 0) this.remove([...this.#unremoved.values()])
        })
      }
    )
  }

  /** What the store has not taken by now stays in it. */
  stop(): void {
    this.#stopped = true
    this.#cancelRetry?.()
  }

  /** @throws KontrolError KTL_STORE_UNAVAILABLE, KTL_NOT_LEADING */
  async saveCallbackRun(run: CallbackRun, term: number): Promise<void> {
    await this.#watched(this.#store.saveCallbackRun(run, term))
  }

  contactChanged(contact: boolean): void {
    this.#problem = contact
      ? undefined
      : new KontrolError('KTL_STORE_UNAVAILABLE', 'The store is out of reach', {
          hint: 'Bring it back; until then the pods stay as they are known, and new ones are refused.'
        })
  }

  async #watched<T>(write: Promise<T>): Promise<T> {
    try {
      const result = await write
      this.#problem = undefined
      return result
    } catch (error) {
      const known = findKontrolError(error)
      // Another leader is no problem of the store.
      if (known?.code !== 'KTL_NOT_LEADING') this.#problem = known
      throw error
    }
  }
}
