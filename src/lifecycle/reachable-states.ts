import { followers } from './compile-machine.ts'
import type { Manifest } from './manifest.ts'

/** Where a machine can get to, by itself or when asked. */
export class Reach {
  readonly #followers: ReadonlyMap<string, readonly string[]>
  readonly #led: ReadonlyMap<string, ReadonlySet<string>>

  constructor(manifest: Manifest) {
    const targets = new Map(manifest.states.map(({ tag, on = {} }) => [tag, Object.values(on)]))
    this.#followers = new Map(manifest.states.map((state) => [state.tag, followers(state, manifest)]))
    this.#led = new Map(manifest.states.map(({ tag }) => [tag, closure(tag, targets)]))
  }

  /** The state itself and all that its outcomes can lead to. */
  byItself(tag: string): ReadonlySet<string> {
    return this.#led.get(tag) ?? new Set()
  }

  /** What may be asked for at rest in the state; everything before the first transition. */
  allowedAt(tag: string | undefined): readonly string[] {
    return tag === undefined ? [...this.#followers.keys()] : (this.#followers.get(tag) ?? [])
  }

  /** What may be asked for wherever the machine comes to rest once it has entered the state. */
  allowedAfter(tag: string): readonly string[] {
    return [...new Set([...this.byItself(tag)].flatMap((rest) => this.allowedAt(rest)))]
  }
}

function closure(start: string, targets: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const found = new Set([start])
  // A set hands out what is added while it is walked.
  for (const tag of found) for (const target of targets.get(tag) ?? []) found.add(target)
  return found
}
