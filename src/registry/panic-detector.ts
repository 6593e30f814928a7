import type { Entry } from './entry.ts'

interface AppCount {
  /** Pods in the registry, held ones among them. */
  known: number
  held: number
  /** Keys of pods that expired within the last window and did not come back. */
  gone: Set<string>
}

interface Gone {
  entry: Entry
  app: string
  at: number
}

/** Below this many pods, silence of most of them is nothing unusual. */
const FEWEST_PODS = 3

/**
 * Tells a pod that died from an app that went silent as a whole.
 *
 * Pods that fall silent at the same moment expire over up to 0.75 TTL, as each
 * pings at its own phase. So what counts for an app is the share of silent pods
 * (expired within the last TTL, held already, or expiring now) among all that
 * were there (known now, or expired within the last TTL). Every operation is
 * O(1), over time, for each pod.
 */
export class PanicDetector {
  readonly #windowMs: number
  readonly #threshold: number
  readonly #apps = new Map<string, AppCount>()
  /** By key, in order of `at`. */
  readonly #gone = new Map<string, Gone>()

  constructor({ windowMs, threshold }: { windowMs: number; threshold: number }) {
    this.#windowMs = windowMs
    this.#threshold = threshold
  }

  /** Pods of all apps that are held now. Costs O(apps). */
  get held(): number {
    return [...this.#apps.values()].reduce((sum, { held }) => sum + held, 0)
  }

  heldOf(app: string): number {
    return this.#apps.get(app)?.held ?? 0
  }

  added({ pod, held }: Entry): void {
    const count = this.#count(pod.app)
    count.known++
    if (held) count.held++
    // Back again, so it is not missing any more.
    this.#forgetGone(pod.key)
  }

  removed({ pod, held }: Entry): void {
    const count = this.#count(pod.app)
    count.known--
    if (held) count.held--
    this.#dropIfEmpty(pod.app, count)
  }

  /** To be told after `removed()`, of pods that expired without ever having been held. */
  expired(entry: Entry, now: number): void {
    const { app, key } = entry.pod
    this.#gone.set(key, { entry, app, at: now })
    this.#count(app).gone.add(key)
  }

  heldChanged(app: string, by: 1 | -1): void {
    this.#count(app).held += by
  }

  /** Whether so much of the app is silent, once `expiring` more of its pods are, that they must be kept. */
  isPanic(app: string, expiring: number, now: number): boolean {
    this.#forgetOld(now)
    const { known, held, gone } = this.#count(app)
    const all = known + gone.size
    return all >= FEWEST_PODS && (gone.size + held + expiring) / all > this.#threshold
  }

  /** Apps with held pods of which so few are silent by now, as others have come, that none would be held any more. */
  calmApps(now: number): string[] {
    return [...this.#apps].flatMap(([app, { held }]) => (held > 0 && !this.isPanic(app, 0, now) ? [app] : []))
  }

  /** Hands over the pods of an app that expired within the window, to be brought back. */
  takeGone(app: string): Entry[] {
    const taken = [...this.#count(app).gone].map((key) => (this.#gone.get(key) as Gone).entry)
    for (const { pod } of taken) this.#forgetGone(pod.key)
    return taken
  }

  /** Hands over one pod that expired within the window, if it had this number. */
  takeGonePod(key: string, seq: number): Entry | undefined {
    const gone = this.#gone.get(key)
    if (gone?.entry.pod.seq !== seq) return undefined
    this.#forgetGone(key)
    return gone.entry
  }

  #count(app: string): AppCount {
    let count = this.#apps.get(app)
    if (count === undefined) {
      count = { known: 0, held: 0, gone: new Set() }
      this.#apps.set(app, count)
    }
    return count
  }

  #forgetOld(now: number): void {
    for (const [key, { at }] of this.#gone) {
      if (at > now - this.#windowMs) return
      this.#forgetGone(key)
    }
  }

  #forgetGone(key: string): void {
    const gone = this.#gone.get(key)
    if (gone === undefined) return
    this.#gone.delete(key)
    const count = this.#count(gone.app)
    count.gone.delete(key)
    this.#dropIfEmpty(gone.app, count)
  }

  #dropIfEmpty(app: string, { known, gone }: AppCount): void {
    if (known === 0 && gone.size === 0) this.#apps.delete(app)
  }
}
