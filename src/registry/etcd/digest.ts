import { parseMasterWord, type MasterWord } from '../../model/master.ts'
import type { Clock } from '../../platform/clock.ts'

/** Keys of pods, and how long ago at most, in milliseconds, they were heard when the digest was written. */
type HeardGroup = [ageMs: number, keys: string[]]

/** Ages in a digest are exact to this, and rounded so that no pod looks older than it is. */
const STEP_MS = 250
/** A part of a digest stays far below the 1.5 MiB that etcd takes in a request: keys have 63 characters at most. */
const KEYS_PER_PART = 15_000

/**
 * Gathers the pods that this master heard of, to tell other masters of all of them at once. What it says of itself
 * stands behind the groups of the first part, where masters of former versions pass it over.
 */
export class KeepaliveDigest {
  readonly #clock: Clock
  readonly #word: (() => MasterWord) | undefined
  #heardAt = new Map<string, number>()

  constructor(clock: Clock, word?: () => MasterWord) {
    this.#clock = clock
    this.#word = word
  }

  add(key: string): void {
    this.#heardAt.set(key, this.#clock.now())
  }

  /**
   * Begins a new digest, and has the former one written, in texts of which there is at least one. If that fails, it is
   * told with the next: a pod's keepalive that other masters do not hear of may be the one that keeps it.
   */
  async write(put: (parts: readonly string[]) => Promise<void>): Promise<void> {
    const heardAt = this.#heardAt
    this.#heardAt = new Map()
    try {
      await put(this.#parts([...heardAt]))
    } catch (error) {
      this.#heardAt = new Map([...heardAt, ...this.#heardAt])
      throw error
    }
  }

  #parts(heard: readonly [key: string, at: number][]): string[] {
    const now = this.#clock.now()
    const parts = [heard.slice(0, KEYS_PER_PART)]
    for (let i = KEYS_PER_PART; i < heard.length; i += KEYS_PER_PART) parts.push(heard.slice(i, i + KEYS_PER_PART))
    const word = this.#word === undefined ? [] : [this.#word()]
    return parts.map((part, index) => JSON.stringify([...groupByAge(part, now), ...(index === 0 ? word : [])]))
  }
}

function groupByAge(heard: readonly [key: string, at: number][], now: number): HeardGroup[] {
  const groups = new Map<number, string[]>()
  for (const [key, at] of heard) {
    const ageMs = Math.max(0, Math.floor((now - at) / STEP_MS) * STEP_MS)
    const keys = groups.get(ageMs)
    if (keys === undefined) groups.set(ageMs, [key])
    else keys.push(key)
  }
  return [...groups]
}

/** A digest that is none, of a version to come, says nothing. */
export function parseDigest(text: string): { heard: HeardGroup[]; word: MasterWord | undefined } {
  const said = arrayIn(text)
  return { heard: said.filter(isHeardGroup), word: parseMasterWord(said.at(-1)) }
}

function arrayIn(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}

const isHeardGroup = (group: unknown): group is HeardGroup =>
  Array.isArray(group) && typeof group[0] === 'number' && group[0] >= 0 && Array.isArray(group[1])
