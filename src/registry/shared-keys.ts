import { createHash } from 'node:crypto'
import type { Keepalive } from '../model/keepalive.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Membership } from './membership.ts'

export interface SharedKeysOptions {
  members: Membership
  clock: Clock
  logger: Logger
  ttlMs: number
}

/** As model/name.ts has it. */
const MAX_KEY_LENGTH = 63

/** Hex digits in the place of names that would be too long. */
const HASH_LENGTH = 16

/** Hosts that can be remembered; it is a matter of seconds to learn of them again. */
const MAX_SHARED = 10_000

/**
 * Keys that several apps say. A key is made of an address, and on the network
 * of a host all pods have the host's: their keepalives would replace one
 * another for ever. So whoever is heard again after another app has taken its
 * place is kept beside it, under `<key>.<app>`.
 *
 * The first time it does take its place: far more often an address went to
 * another pod, and the one before must not get that one's traffic.
 */
export class SharedKeys {
  readonly #options: SharedKeysOptions
  readonly #shared = new Set<string>()

  constructor(options: SharedKeysOptions) {
    this.#options = options
    options.members.listeners.subscribe((event) => {
      if (event.type === 'pod-up') this.#learn(event.pod)
    })
  }

  /** Which keys are shared shows in the pods that are known. */
  learn(): void {
    for (const { pod } of this.#options.members.entries()) this.#learn(pod)
  }

  /** What a pod said, under the key that it is kept under: almost always the same object. */
  placed(said: Keepalive): Keepalive {
    const { members } = this.#options
    const holder = members.get(said.key)
    if (holder?.pod.app === said.app) return said
    const key = keyApart(said)
    const isApart = members.get(key)?.pod.app === said.app
    return isApart || (holder !== undefined && this.#isShared(said)) ? { ...said, key } : said
  }

  /** From now on no app takes the place of another under this key. */
  share({ key, ip, app }: Keepalive): void {
    const { members, logger } = this.#options
    const holder = members.get(key)
    if (holder === undefined || this.#shared.has(key)) return
    this.#add(key)
    const apps = [holder.pod.app, app]
    logger.warn({ key, ip, apps }, 'apps share a key, each is kept')
    members.listeners.emit({ type: 'key-shared', key, ip, apps })
  }

  #isShared(said: Keepalive): boolean {
    const { members, clock, ttlMs } = this.#options
    if (this.#shared.has(said.key)) return true
    const displacedAt = members.get(said.key)?.displaced?.get(said.app)
    if (said.down === true || displacedAt === undefined || clock.now() - displacedAt > ttlMs) return false
    this.share(said)
    return true
  }

  #learn({ key, app }: Pick<Keepalive, 'key' | 'app'>): void {
    const own = key.slice(0, -app.length - 1)
    if (key === `${own}.${app}` && this.#options.members.get(own) !== undefined) this.#add(own)
  }

  #add(key: string): void {
    if (this.#shared.size >= MAX_SHARED) this.#shared.clear()
    this.#shared.add(key)
  }
}

function keyApart({ key, app }: Keepalive): string {
  const whole = `${key}.${app}`
  if (whole.length <= MAX_KEY_LENGTH) return whole
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, HASH_LENGTH)
  return `${key.slice(0, MAX_KEY_LENGTH - HASH_LENGTH - 1)}.${hash}`
}
