import { compileGlob } from '../glob.ts'
import type { LifecycleState, Manifest } from './manifest.ts'
import { type ManifestFacts, variablesIn } from '../../access/command-rules.ts'

/** Where a machine can get to, by itself or when asked. */
export class ReachableStates {
  readonly #next: ReadonlyMap<string, readonly string[]>
  readonly #led: ReadonlyMap<string, ReadonlySet<string>>

  constructor(manifest: Manifest) {
    const targets = new Map(manifest.states.map(({ tag, on = {} }) => [tag, Object.values(on)]))
    this.#next = new Map(manifest.states.map((state) => [state.tag, allowedNext(state, manifest)]))
    this.#led = new Map(manifest.states.map(({ tag }) => [tag, closure(tag, targets)]))
  }

  /** The state itself and all that its outcomes can lead to. */
  byItself(tag: string): ReadonlySet<string> {
    return this.#led.get(tag) ?? new Set()
  }

  /** What may be asked for at rest in the state; everything before the first transition. */
  allowedAt(tag: string | undefined): readonly string[] {
    return tag === undefined ? [...this.#next.keys()] : (this.#next.get(tag) ?? [])
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

/** The states that may be asked for while the machine rests in this one. */
export function allowedNext({ tag, next = [] }: LifecycleState, { states, terminal }: Manifest): string[] {
  if (tag === terminal) return []
  const globs = next.map(compileGlob)
  const tags = states.map((state) => state.tag)
  return tags.filter((other) => other === terminal || globs.some((glob) => glob?.test(other)))
}

/** Steps, and the tags by which Kontrol's masters ask for them, whose input is what HAProxy or DNS shall serve. */
const TAKES_HOSTS = ['render', 'configure', 'expose-via-route53']

/** What must be known of a manifest to say who may command it. */
export function factsOf(manifest: Manifest): ManifestFacts {
  const reach = new ReachableStates(manifest)
  const mentioned = new Set(manifest.states.flatMap(({ shell = '' }) => variablesIn(shell)))
  const steps = new Map(manifest.states.map(({ tag, action = tag }) => [tag, action]))
  return {
    leadsToEnd: (tag) => reach.byItself(tag).has(manifest.terminal) || tag === manifest.terminal,
    takesHosts: (tag) => TAKES_HOSTS.includes(tag) || TAKES_HOSTS.includes(steps.get(tag) ?? ''),
    mentions: (name) => mentioned.has(name)
  }
}
