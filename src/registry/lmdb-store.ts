import { mkdir } from 'node:fs/promises'
import { open, type Database, type RootDatabase } from 'lmdb'
import { KontrolError, messageOf, type Problem } from '../errors.ts'
import { parseJson, stringifyJson } from '../model/json/json.ts'
import { isSeq, parsePod, podOf, type Pod } from '../model/pod.ts'
import type { Logger } from '../platform/logger.ts'
import { setDamagedAside } from './lmdb-check.ts'
import type { CallbackRun, Leadership, NewPod, Store, StoredState } from './store.ts'

/** Everything that is not a pod, by name. */
interface Meta {
  nextSeq: number
  callbackState: string
  callbackDigest: string
  filled: boolean
}

interface Databases {
  root: RootDatabase
  /** By key; JSON, as lmdb itself would round a payload's numbers. */
  pods: Database<string, string>
  meta: Database<Meta[keyof Meta], keyof Meta>
}

type Change = (databases: Databases) => void

interface Waiting {
  change: Change
  resolve: () => void
  reject: (error: KontrolError) => void
}

/**
 * Least milliseconds between two transactions: each waits for the disk, and everything else waits for it. The first
 * write after a quiet time goes at once, as a pod that joins is served once it is recorded.
 */
const GATHER_MS = 10

/**
 * The embedded store: one LMDB environment in a folder, used by one master,
 * which therefore always leads. Writes of the same moment share a transaction;
 * a crash at any point leaves the last one that was complete.
 */
export class LmdbStore implements Store {
  readonly leading = true
  readonly others = []
  readonly leadership: Leadership = { term: 0, until: Infinity }
  readonly #folder: string
  readonly #logger: Pick<Logger, 'warn' | 'error'>
  readonly #onDamage: (problem: Problem) => void
  #databases: Databases | undefined
  readonly #queue: Waiting[] = []
  #timer: NodeJS.Timeout | undefined
  #nextSeq = 0
  #skipped = 0
  /** On the monotonic clock. */
  #committedAt = -Infinity

  /**
   * @param folder is made when it is not there
   * @param onDamage told when what lay there was set aside
   */
  constructor(folder: string, logger: Pick<Logger, 'warn' | 'error'>, onDamage: (problem: Problem) => void = () => {}) {
    this.#folder = folder
    this.#logger = logger
    this.#onDamage = onDamage
  }

  get skipped(): number {
    return this.#skipped
  }

  async open(): Promise<StoredState> {
    await this.#makeFolder()
    try {
      await this.#setDamagedAside()
      const root = open({ path: this.#folder, noSubdir: false, encoding: 'json' })
      const pods = root.openDB<string, string>({ name: 'pods', encoding: 'string' })
      const meta = root.openDB<Meta[keyof Meta], keyof Meta>({ name: 'meta', encoding: 'json' })
      this.#databases = { root, pods, meta }
      return this.#load(this.#databases)
    } catch (cause) {
      throw new KontrolError(
        'KTL_STORE_UNAVAILABLE',
        `Cannot open the registry at ${this.#folder}: ${messageOf(cause)}`,
        {
          cause,
          hint: 'Check that the folder is writable and its files are whole; move it away to begin with an empty registry.'
        }
      )
    }
  }

  async admit(newPod: NewPod): Promise<Pod> {
    const pod = podOf(newPod, { firstSeen: newPod.firstSeen, seq: this.#nextSeq++ })
    await this.#write(({ pods, meta }) => {
      void pods.put(pod.key, stringifyJson(pod))
      void meta.put('nextSeq', this.#nextSeq)
    })
    return pod
  }

  async put(pod: Pod): Promise<void> {
    await this.#write(({ pods }) => void pods.put(pod.key, stringifyJson(pod)))
  }

  async remove(gone: readonly Pod[]): Promise<void> {
    await this.#write(({ pods }) => {
      for (const { key, seq } of gone) {
        const stored = pods.get(key)
        if (stored !== undefined && seqIn(stored) === seq) void pods.remove(key)
      }
    })
  }

  heard(): void {
    // There is no other master to tell.
  }

  async confirmLeadership(): Promise<Leadership> {
    return this.leadership
  }

  async saveCallbackRun({ digest, state }: CallbackRun): Promise<void> {
    await this.#write(({ meta }) => {
      void meta.put('callbackDigest', digest)
      if (state !== undefined) void meta.put('callbackState', state)
    })
  }

  async filled(): Promise<void> {
    await this.#write(({ meta }) => void meta.put('filled', true))
  }

  async close(): Promise<void> {
    this.#commit()
    const databases = this.#databases
    this.#databases = undefined
    await databases?.root.close()
  }

  async #setDamagedAside(): Promise<void> {
    const damage = await setDamagedAside(this.#folder)
    if (damage === undefined) return
    this.#logger.error({ err: damage }, 'registry set aside')
    this.#onDamage(damage.problem)
    await this.#makeFolder()
  }

  async #makeFolder(): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true })
    } catch (cause) {
      throw new KontrolError('KTL_DATA_UNWRITABLE', `Cannot make the folder ${this.#folder}: ${messageOf(cause)}`, {
        cause,
        hint: 'Point KONTROL_DATA at a folder that this user may write to.'
      })
    }
  }

  #load({ pods, meta }: Databases): StoredState {
    const known = [...pods.getRange()].flatMap(({ key, value }) => this.#parse(key, value) ?? [])
    const counter: unknown = meta.get('nextSeq')
    this.#nextSeq = known.reduce((next, { seq }) => Math.max(next, seq + 1), isSeq(counter) ? counter : 0)
    const state: unknown = meta.get('callbackState')
    const digest: unknown = meta.get('callbackDigest')
    return {
      pods: known,
      lastRun: callbackRun(state, digest),
      isFilled: meta.get('filled') === true
    }
  }

  /** A file that another program wrote may hold anything. */
  #parse(key: string, json: string): Pod | undefined {
    try {
      return parsePod(key, parseJson(json))
    } catch (error) {
      this.#skipped++
      this.#logger.warn({ key, problem: messageOf(error) }, 'value in the registry skipped')
      return undefined
    }
  }

  /** Runs `change` inside the next write transaction, where it sees the writes before it; all of it is committed, or none. */
  async #write(change: Change): Promise<void> {
    if (this.#databases === undefined) throw this.#unwritable(new Error('it is closed'))
    return new Promise((resolve, reject) => {
      this.#queue.push({ change, resolve, reject })
      this.#commitLater()
    })
  }

  #commitLater(): void {
    if (this.#queue.length > 1) return
    const waitMs = this.#committedAt + GATHER_MS - performance.now()
    if (waitMs > 0) this.#timer = setTimeout(() => this.#commit(), waitMs)
    else setImmediate(() => this.#commit())
  }

  /** Synchronously: when the disk is full, LMDB's asynchronous transactions never end, or end the process. */
  #commit(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const queue = this.#queue.splice(0)
    const databases = this.#databases
    if (databases === undefined || queue.length === 0) return
    this.#committedAt = performance.now()
    try {
      databases.root.transactionSync(() => {
        for (const { change } of queue) change(databases)
      })
    } catch (cause) {
      const error = this.#unwritable(cause)
      for (const { reject } of queue) reject(error)
      return
    }
    for (const { resolve } of queue) resolve()
  }

  #unwritable(cause: unknown): KontrolError {
    return new KontrolError(
      'KTL_STORE_UNAVAILABLE',
      `Cannot write the registry at ${this.#folder}: ${messageOf(cause)}`,
      { cause, hint: 'Check the free space and the permissions of KONTROL_DATA.' }
    )
  }
}

/** A database that was written before runs were noted has the state alone. */
function callbackRun(state: unknown, digest: unknown): CallbackRun | undefined {
  if (typeof state !== 'string' && typeof digest !== 'string') return undefined
  return { digest: typeof digest === 'string' ? digest : '', state: typeof state === 'string' ? state : undefined }
}

const seqIn = (json: string): unknown => (parseJson(json) as Partial<Pod> | null)?.seq
