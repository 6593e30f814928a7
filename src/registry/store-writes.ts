import { findKontrolError, KontrolError } from '../errors.ts'
import type { Pod } from '../model/pod.ts'
import type { Logger } from '../platform/logger.ts'
import type { Entry } from './entry.ts'
import type { CallbackRun, NewPod, Store } from './store.ts'

/**
 * What the registry writes to its store, and why that does not work at the
 * moment. What HAProxy is to do does not wait for changes and removals.
 */
export class StoreWrites {
  readonly #store: Store
  readonly #logger: Logger
  #problem: KontrolError | undefined

  constructor(store: Store, logger: Logger) {
    this.#store = store
    this.#logger = logger
  }

  /** Of the last write, or of the contact, until either works again. */
  get problem(): KontrolError | undefined {
    return this.#problem
  }

  /** @throws KontrolError KTL_STORE_UNAVAILABLE */
  async admit(newPod: NewPod): Promise<Pod> {
    return this.#watched(this.#store.admit(newPod))
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

  /** In the background. If it fails for good, a restart knows the pods again, for one TTL. */
  remove(pods: readonly Pod[]): void {
    this.#watched(this.#store.remove(pods)).catch((err: unknown) =>
      this.#logger.warn({ err, pods: pods.length }, 'pods not removed from the store')
    )
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
