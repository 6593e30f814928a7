import type { Pod } from '../model/pod.ts'
import { appPodsOf, snapshotOf, type AppPods, type Snapshot } from '../model/snapshot.ts'

/**
 * The pods by app. They are put in order when somebody asks, and only those of
 * the apps that changed: a pod that comes or goes costs no look at the others.
 */
export class PodsByApp {
  readonly #members = new Map<string, Set<Pod>>()
  /** Of the apps that have not changed since. */
  readonly #ordered = new Map<string, AppPods>()
  #snapshot: Snapshot | undefined

  add(pod: Pod): void {
    const members = this.#members.get(pod.app)
    if (members === undefined) this.#members.set(pod.app, new Set([pod]))
    else members.add(pod)
    this.#changed(pod.app)
  }

  remove(pod: Pod): void {
    const members = this.#members.get(pod.app)
    members?.delete(pod)
    if (members?.size === 0) this.#members.delete(pod.app)
    this.#changed(pod.app)
  }

  /** The same object until a pod comes or goes. */
  snapshot(): Snapshot {
    return (this.#snapshot ??= snapshotOf(
      new Map(Array.from(this.#members, ([app, members]) => [app, this.#inOrder(app, members)]))
    ))
  }

  #inOrder(app: string, members: ReadonlySet<Pod>): AppPods {
    const known = this.#ordered.get(app)
    if (known !== undefined) return known
    const ordered = appPodsOf(members)
    this.#ordered.set(app, ordered)
    return ordered
  }

  #changed(app: string): void {
    this.#ordered.delete(app)
    this.#snapshot = undefined
  }
}
