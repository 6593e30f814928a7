import type { OtherMaster } from '../model/master.ts'
import type { Pod } from '../model/pod.ts'

/** A pod that no master knew: the store gives it its sequence number. */
export type NewPod = Omit<Pod, 'seq'>

/** The last run of the callback that ended well, at whichever master. */
export interface CallbackRun {
  /** Of the pods that it ran for; empty when nobody noted it. */
  digest: string
  /** What it, or one before it, printed; opaque. */
  state: string | undefined
}

/** A time in which this master alone may run the callback. */
export interface Leadership {
  /** Another one whenever the leader changes. */
  term: number
  /** Until then no other master leads, whatever happens to this one; on the monotonic clock. */
  until: number
}

export interface StoredState {
  /** In no particular order. */
  pods: Pod[]
  /** Undefined before the first. */
  lastRun: CallbackRun | undefined
  /** Whether `filled` was ever called. */
  isFilled: boolean
}

/**
 * What a store tells of, once open, that did not come from this master. None
 * of it happens to a store that a single master uses.
 */
export interface StoreListener {
  /** Another master admitted or changed this pod. */
  onPut(pod: Pod): void
  /** Another master removed the pod that had this key and sequence number. */
  onRemove(key: string, seq: number): void
  /** Other masters had keepalives of these pods at most `ageMs` ago. */
  onHeard(keys: readonly string[], ageMs: number): void
  onCallbackRun(run: CallbackRun): void
  /** Another master ended or fell silent: which pods it heard last, nobody was told. */
  onMasterLost(): void
  /** This master began to lead, or no longer does. */
  onLeadership(leading: boolean): void
  /**
   * False: the store is out of reach, so nobody can know which pods are silent.
   * True: it is back, and what changed meanwhile has been told.
   */
  onContact(contact: boolean): void
}

/**
 * Where the membership outlives the process, and where several masters of one
 * app meet. It is written to when the membership changes, never for a repeated
 * keepalive. What a change means, and when a pod is gone, is the registry's job.
 *
 * Each write settles once it is safe from a crash of this process. A write that
 * the store cannot take rejects with KTL_STORE_UNAVAILABLE, and may be repeated.
 *
 * The executable form of this contract is test/contract/store.contract.ts.
 */
export interface Store {
  /**
   * Reads everything; called once, before any other method. A store that cannot
   * be reached is waited for, until `signal` ends that.
   *
   * @throws KontrolError KTL_DATA_UNWRITABLE or KTL_STORE_UNAVAILABLE
   */
  open(listener: StoreListener, signal?: AbortSignal): Promise<StoredState>
  /**
   * Writes a pod under the next sequence number, counted from 0 and never given
   * twice, also after the pod is gone. If another master was faster, the pod
   * that it admitted comes back and nothing is written.
   */
  admit(pod: NewPod): Promise<Pod>
  /** Replaces what is known of a pod, or brings back one that was removed; its key and `seq` stay. */
  put(pod: Pod): Promise<void>
  /**
   * Removes those pods that are still there under the same `seq`. A store that
   * can be out of reach repeats by itself what it could not do.
   */
  remove(pods: readonly Pod[]): Promise<void>
  /** A keepalive came: to be told to other masters in batches. Costs O(1) and writes nothing by itself. */
  heard(key: string): void
  /**
   * Asks whether this master leads, and not only remembers to: nobody else begins a run until the answer runs out.
   *
   * @throws KontrolError KTL_NOT_LEADING, besides
   */
  confirmLeadership(): Promise<Leadership>
  /**
   * Writes what a run came to, if it is still the leader of that term.
   *
   * @throws KontrolError KTL_NOT_LEADING, besides: another one leads, and nothing was written
   */
  saveCallbackRun(run: CallbackRun, term: number): Promise<void>
  /** Remembers that no pod is missing, of those that were there before the store. */
  filled(): Promise<void>
  /** Values that were read and are no pod: each was named in the log. */
  readonly skipped: number
  /** Whether this master decides which pods are gone, and may begin a callback. */
  readonly leading: boolean
  /** The other masters that are known to live, by what each says of itself; none with a store that one master uses. */
  readonly others: readonly OtherMaster[]
  /** What a callback under way goes on by: as `leading`, and while contact is lost, for as long as nobody else can lead. */
  readonly leadership: Leadership | undefined
  /** Waits for the writes under way. */
  close(): Promise<void>
}
