import type { Clock } from '../platform/clock.ts'
import type { Entry } from './entry.ts'
import type { Expiry } from './expiry.ts'
import type { Membership } from './membership.ts'
import type { Store } from './store.ts'
import type { StoreWrites } from './store-writes.ts'

export interface SilentPodsOptions {
  members: Membership
  expiry: Expiry
  writes: StoreWrites
  store: Pick<Store, 'leading'>
  clock: Clock
}

/** What becomes of pods that were silent for too long: they go, unless most of their app is silent. */
export class SilentPods {
  readonly #options: SilentPodsOptions

  constructor(options: SilentPodsOptions) {
    this.#options = options
  }

  /** @param overdue pods of one app */
  expire(app: string, overdue: readonly Entry[]): void {
    const { members, clock } = this.#options
    const heldTooLong = overdue.filter(({ held }) => held)
    const silent = overdue.filter(({ held }) => !held)
    if (silent.length > 0 && members.census.isPanic(app, silent.length, clock.now())) {
      this.#hold(app, silent)
      this.#drop(heldTooLong)
    } else this.#drop(overdue)
  }

  #hold(app: string, silent: readonly Entry[]): void {
    const { members, store, writes } = this.#options
    // Those that left before the silence was known to be that of most are part of it.
    const restored = store.leading ? members.census.takeGone(app) : []
    members.hold(app, silent, restored)
    for (const entry of restored) writes.save(entry)
  }

  #drop(entries: readonly Entry[]): void {
    const { members, expiry, store, writes } = this.#options
    if (entries.length === 0) return
    if (store.leading) {
      members.down(entries, 'expired')
      writes.remove(entries.map(({ pod }) => pod))
      return
    }
    // The leader is about to say so; if this master leads by then, it looks at them again.
    for (const entry of entries) expiry.watchLater(entry)
  }
}
