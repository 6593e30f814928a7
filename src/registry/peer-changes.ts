import type { Pod } from '../model/pod.ts'
import type { Clock } from '../platform/clock.ts'
import { changedFields } from './entry.ts'
import type { Expiry } from './expiry.ts'
import type { Membership } from './membership.ts'

export interface PeerChangesOptions {
  members: Membership
  expiry: Expiry
  clock: Clock
  ttlMs: number
}

/** Takes over what other masters did to pods, as the store tells it. */
export class PeerChanges {
  readonly #members: Membership
  readonly #expiry: Expiry
  readonly #clock: Clock
  readonly #ttlMs: number
  /** Since when the store is out of reach; the time without it is told when it is back. */
  #cutOffSince: number | undefined

  constructor({ members, expiry, clock, ttlMs }: PeerChangesOptions) {
    this.#members = members
    this.#expiry = expiry
    this.#clock = clock
    this.#ttlMs = ttlMs
  }

  contactChanged(contact: boolean): void {
    this.#cutOffSince = contact ? undefined : this.#clock.now()
  }

  put(pod: Pod): void {
    const entry = this.#members.get(pod.key)
    if (entry === undefined) this.#up(pod)
    else if (entry.pod.seq === pod.seq) {
      const fields = changedFields(entry, pod)
      if (fields.length > 0) this.#members.change(entry, pod, fields)
    } else {
      this.#members.down([entry], 'down')
      this.#members.up(pod)
    }
  }

  removed(key: string, seq: number): void {
    const entry = this.#members.get(key)
    if (entry?.pod.seq !== seq) return
    // The others did not hear of it, and took it for dead. It is written again with all that waits for the store.
    if (this.#wasCutOff() && !this.#expiry.isSilent(entry)) return void (entry.unsaved = true)
    this.#members.down([entry], this.#expiry.isSilent(entry) ? 'expired' : 'down')
  }

  /** For so long that pods which report to this master alone were silent to the others. */
  #wasCutOff(): boolean {
    return this.#cutOffSince !== undefined && this.#clock.now() - this.#cutOffSince > 0.75 * this.#ttlMs
  }

  /** They had keepalives of these pods at most `ageMs` ago. */
  heard(keys: readonly string[], ageMs: number): void {
    const heardAt = this.#clock.now() - ageMs
    for (const key of keys) {
      const entry = this.#members.get(key)
      if (entry === undefined || entry.lastSeen >= heardAt) continue
      entry.lastSeen = heardAt
      if (entry.held) this.#members.release(entry)
    }
  }

  #up(pod: Pod): void {
    const back = this.#members.panic.takeGonePod(pod.key, pod.seq)
    // If there is one, the leader brought it back: most of its app is silent.
    if (back === undefined) this.#members.up(pod)
    else this.#members.hold(pod.app, [], [back])
  }
}
