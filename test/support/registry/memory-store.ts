import type { Pod } from '../../../src/model/pod.ts'
import type { CallbackRun, Leadership, NewPod, Store, StoredState, StoreListener } from '../../../src/registry/store.ts'

/** What outlives the stores that are opened on it. */
export interface MemoryShelf {
  pods: Map<string, Pod>
  nextSeq: number
  lastRun: CallbackRun | undefined
  filled: boolean
}

export const emptyShelf = (): MemoryShelf => ({ pods: new Map(), nextSeq: 0, lastRun: undefined, filled: false })

/** A store for unit tests of the registry: counts its writes, fails and speaks for other masters when told to. */
export class MemoryStore implements Store {
  leading = true
  readonly leadership: Leadership = { term: 0, until: Infinity }
  readonly skipped = 0
  readonly others = []
  writes = 0
  failure: Error | undefined
  listener: StoreListener | undefined
  readonly heardKeys: string[] = []
  readonly #shelf: MemoryShelf

  constructor(shelf: MemoryShelf = emptyShelf()) {
    this.#shelf = shelf
  }

  async open(listener: StoreListener): Promise<StoredState> {
    this.listener = listener
    const { pods, lastRun, filled } = this.#shelf
    return { pods: structuredClone([...pods.values()]), lastRun, isFilled: filled }
  }

  async admit(newPod: NewPod): Promise<Pod> {
    this.#write()
    const pod = { ...structuredClone(newPod), seq: this.#shelf.nextSeq++ }
    this.#shelf.pods.set(pod.key, pod)
    return pod
  }

  async put(pod: Pod): Promise<void> {
    this.#write()
    this.#shelf.pods.set(pod.key, structuredClone(pod))
  }

  async remove(pods: readonly Pod[]): Promise<void> {
    this.#write()
    for (const { key, seq } of pods) if (this.#shelf.pods.get(key)?.seq === seq) this.#shelf.pods.delete(key)
  }

  heard(key: string): void {
    this.heardKeys.push(key)
  }

  async confirmLeadership(): Promise<Leadership> {
    return this.leadership
  }

  async saveCallbackRun(run: CallbackRun): Promise<void> {
    this.#write()
    this.#shelf.lastRun = run
  }

  async filled(): Promise<void> {
    this.#shelf.filled = true
  }

  async close(): Promise<void> {
    this.listener = undefined
  }

  #write(): void {
    if (this.failure !== undefined) throw this.failure
    this.writes++
  }
}
