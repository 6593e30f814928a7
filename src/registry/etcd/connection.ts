import { randomBytes, randomInt } from 'node:crypto'
import { KontrolError, messageOf } from '../../errors.ts'
import type { Pod } from '../../model/pod.ts'
import { Backoff } from '../../platform/backoff.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import type { EtcdClient } from './client.ts'
import type { EtcdKeys } from './keys.ts'
import type { EtcdMirror } from './mirror.ts'
import { EtcdSession } from './session.ts'
import type { KeepaliveDigest } from './digest.ts'

export interface EtcdConnectionOptions {
  /** URLs of the members. */
  hosts: readonly string[]
  /** Of this pod; shown in etcd. */
  id: string
  /** Milliseconds after which a silent leader is replaced. */
  foverMs: number
  ttlMs: number
  clock: Clock
  logger: Logger
  keys: EtcdKeys
  mirror: EtcdMirror
  digest: KeepaliveDigest
  /** A session has begun, and this is what etcd lost; the session counts when it resolves. */
  onBegun: (lost: readonly Pod[]) => Promise<void>
  /** etcd was lost, and is found again. */
  onFound: () => void
}

/** Masters tell each other 20 times a TTL which pods they heard: a pod has a quarter of the TTL to spare. */
const BEATS_PER_TTL = 20
const RETRY = { firstMs: 100, maxMs: 2_000 }

/** The contact with etcd: one session after the other, for as long as the store is open. */
export class EtcdConnection {
  readonly #options: EtcdConnectionOptions
  readonly #masterId: string
  /** Sessions so far: each is with the next member, and not all masters begin with the same one. */
  #attempts = randomInt(1024)
  #session: EtcdSession | undefined
  #keptUp: Promise<void> = Promise.resolve()
  readonly #closing = new AbortController()

  constructor(options: EtcdConnectionOptions) {
    this.#options = options
    this.#masterId = `${options.id}-${randomBytes(4).toString('hex')}`
  }

  get leading(): boolean {
    return this.#session?.leading ?? false
  }

  /** @throws when there is no contact */
  client(): EtcdClient {
    if (this.#session === undefined)
      throw new Error(this.#closing.signal.aborted ? 'it is closed' : 'there is no contact')
    return this.#session.client
  }

  /** @throws KontrolError KTL_STORE_UNAVAILABLE, whatever went wrong */
  async guard<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request()
    } catch (cause) {
      throw this.#unavailable(cause)
    }
  }

  /**
   * Begins a session; returns without one when given up.
   *
   * @param deadline by the clock; the last attempt begins before
   * @throws KontrolError KTL_STORE_UNAVAILABLE
   */
  async connect(deadline: number): Promise<void> {
    const { clock, logger } = this.#options
    const backoff = new Backoff(RETRY)
    while (!this.#closing.signal.aborted) {
      try {
        await this.#beginSession()
        return
      } catch (error) {
        if (clock.now() >= deadline) throw this.#unavailable(error)
        logger.debug({ err: error }, 'etcd not reached')
      }
      await pause(clock, backoff.next(), this.#closing.signal)
    }
  }

  /** From now on begins a new session whenever one ends, and tells the listener. */
  keepUp(): void {
    this.#keptUp = this.#keepUp()
  }

  /** Begins no session any more. */
  giveUp(): void {
    this.#closing.abort()
  }

  /** To be called after `giveUp`: ends the session, and says goodbye. */
  async close(): Promise<void> {
    await this.#session?.close()
    await this.#keptUp
  }

  async #keepUp(): Promise<void> {
    const { logger, mirror, onFound } = this.#options
    while (!this.#closing.signal.aborted && this.#session !== undefined) {
      const reason = await this.#session.ended
      this.#session = undefined
      if (this.#closing.signal.aborted) return
      logger.warn({ reason }, 'etcd lost')
      mirror.listener?.onContact(false)
      await this.connect(Infinity)
      if (this.#closing.signal.aborted) return
      logger.info({ pods: mirror.pods.size }, 'etcd found again')
      mirror.listener?.onContact(true)
      if (this.leading) mirror.listener?.onLeadership(true)
      onFound()
    }
  }

  async #beginSession(): Promise<void> {
    const { hosts, foverMs, ttlMs, mirror, onBegun } = this.#options
    const host = hosts[this.#attempts++ % hosts.length] as string
    const { session, lost } = await EtcdSession.begin({
      ...this.#options,
      host,
      masterId: this.#masterId,
      beatMs: Math.min(ttlMs / BEATS_PER_TTL, foverMs / 3),
      patienceMs: Math.min(ttlMs / 4, foverMs / 2),
      onHeard: (keys, ageMs) => mirror.listener?.onHeard(keys, ageMs),
      onMasterLost: (id) => this.#masterLost(id),
      onLeadership: (leading) => mirror.listener?.onLeadership(leading)
    })
    this.#session = session
    if (this.#closing.signal.aborted) return await session.close()
    try {
      await onBegun(lost)
    } catch (error) {
      this.#session = undefined
      await session.close()
      throw error
    }
  }

  #masterLost(id: string): void {
    this.#options.logger.warn({ master: id }, 'master lost')
    this.#options.mirror.listener?.onMasterLost()
  }

  #unavailable(cause: unknown): KontrolError {
    const hosts = this.#options.hosts.join(', ')
    return new KontrolError('KTL_STORE_UNAVAILABLE', `Cannot use etcd at ${hosts}: ${messageOf(cause)}`, {
      cause,
      hint: 'Check KONTROL_ETCD, and that the cluster is reachable and has a leader.'
    })
  }
}

/** Ends early, and without an error, when aborted. */
async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(ms, end)
    signal.addEventListener('abort', end)
  })
}
