import { KontrolError } from '../errors.ts'
import type { LimitUse } from '../model/limits.ts'
import type { Entry } from './entry.ts'

export interface RegistryLimits {
  readonly pods: number
  /** Of one app. */
  readonly podsPerApp: number
  /** First reported from one address of the network. */
  readonly podsPerPeer: number
  /** Bytes of all payloads as JSON; one app, and one address, may take half of them. */
  readonly payloadBytes: number
}

/** A pod that wants to be admitted. */
export interface Applicant {
  readonly app: string
  /** Undefined for one whose sender is trusted, and shares its limit with nobody. */
  readonly peer: string | undefined
  readonly payloadBytes: number
}

/**
 * What the known pods take of each limit. Only who is unknown is turned away: a pod that lives goes on living, and
 * with the payload that it had when a larger one finds no room.
 */
export class Tally {
  readonly #limits: RegistryLimits
  readonly #byApp = new Shares()
  readonly #byPeer = new Shares()
  #pods = 0
  #bytes = 0

  constructor(limits: RegistryLimits) {
    this.#limits = limits
  }

  added(entry: Entry): void {
    this.#count(applicantOf(entry), 1)
  }

  removed(entry: Entry): void {
    this.#count(applicantOf(entry), -1)
  }

  /**
   * Keeps a place for a pod until it is added, so that those that arrive at the same moment do not pass together.
   *
   * @returns what gives the place back
   * @throws KontrolError KTL_REGISTRY_FULL naming the limit
   */
  reserve(applicant: Applicant): () => void {
    const problem = this.#problemOf(applicant)
    if (problem !== undefined) {
      throw new KontrolError('KTL_REGISTRY_FULL', `No room for another pod: ${problem}`, {
        hint: 'Look for who sends so many, raise the limit, or send the keepalives of some apps to another control tier.'
      })
    }
    this.#count(applicant, 1)
    return () => this.#count(applicant, -1)
  }

  /** Why a known pod keeps the payload that it had; undefined when there is room for the one of so many bytes more. */
  problemOfGrowth({ app, peer }: Pick<Applicant, 'app' | 'peer'>, bytes: number): string | undefined {
    const { payloadBytes } = this.#limits
    if (bytes <= 0) return undefined
    const crowded = [
      { used: this.#bytes, max: payloadBytes, whose: 'all payloads together' },
      { used: this.#byApp.of(app).bytes, max: payloadBytes / 2, whose: `the payloads of "${app}"` },
      { used: this.#byPeer.of(peer).bytes, max: payloadBytes / 2, whose: `the payloads from ${peer}` }
    ].find(({ used, max }) => used + bytes > max)
    return crowded && `${crowded.whose} may have ${crowded.max} bytes (KONTROL_PAYLOAD_BYTES)`
  }

  uses(): LimitUse[] {
    const { pods, podsPerApp, podsPerPeer, payloadBytes } = this.#limits
    return [
      { limit: 'pods', used: this.#pods, max: pods },
      { limit: 'pods_per_app', ...this.#byApp.largest('pods'), max: podsPerApp },
      { limit: 'pods_per_peer', ...this.#byPeer.largest('pods'), max: podsPerPeer },
      { limit: 'payload_bytes', used: this.#bytes, max: payloadBytes },
      { limit: 'payload_bytes_per_app', ...this.#byApp.largest('bytes'), max: payloadBytes / 2 },
      { limit: 'payload_bytes_per_peer', ...this.#byPeer.largest('bytes'), max: payloadBytes / 2 }
    ]
  }

  #problemOf(applicant: Applicant): string | undefined {
    const { app, peer, payloadBytes } = applicant
    const { pods, podsPerApp, podsPerPeer } = this.#limits
    if (this.#pods >= pods) return `${pods} are known`
    if (this.#byApp.of(app).pods >= podsPerApp) return `${podsPerApp} of "${app}" are known (KONTROL_PODS_PER_APP)`
    if (this.#byPeer.of(peer).pods >= podsPerPeer) return `${podsPerPeer} came from ${peer} (KONTROL_PODS_PER_PEER)`
    return this.problemOfGrowth(applicant, payloadBytes)
  }

  #count({ app, peer, payloadBytes }: Applicant, by: 1 | -1): void {
    this.#pods += by
    this.#bytes += by * payloadBytes
    this.#byApp.add(app, by, by * payloadBytes)
    this.#byPeer.add(peer, by, by * payloadBytes)
  }
}

const applicantOf = ({ pod: { app }, peer, payloadBytes }: Entry): Applicant => ({ app, peer, payloadBytes })

interface Share {
  readonly pods: number
  readonly bytes: number
}

const NOTHING: Share = { pods: 0, bytes: 0 }

/** What each has; who has nothing is not kept, and who is trusted is not counted. */
class Shares {
  readonly #shares = new Map<string, Share>()

  of(name: string | undefined): Share {
    return (name === undefined ? undefined : this.#shares.get(name)) ?? NOTHING
  }

  add(name: string | undefined, pods: number, bytes: number): void {
    if (name === undefined) return
    const before = this.of(name)
    if (before.pods + pods === 0) this.#shares.delete(name)
    else this.#shares.set(name, { pods: before.pods + pods, bytes: before.bytes + bytes })
  }

  largest(what: keyof Share): { used: number; of?: string } {
    let found: { used: number; of?: string } = { used: 0 }
    for (const [of, share] of this.#shares) if (share[what] > found.used) found = { used: share[what], of }
    return found
  }
}
