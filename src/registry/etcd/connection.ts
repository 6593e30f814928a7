import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { KontrolError, messageOf } from '../../errors.ts'
import type { OtherMaster } from '../../model/master.ts'
import type { Pod } from '../../model/pod.ts'
import { Backoff } from '../../platform/backoff.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import type { EtcdClient } from './client.ts'
import type { EtcdAccess } from './gateway.ts'
import type { EtcdKeys } from './keys.ts'
import type { EtcdMirror } from './mirror.ts'
import { EtcdSession } from './session.ts'
import type { KeepaliveDigest } from './digest.ts'
import type { Leadership } from '../store.ts'

export interface EtcdConnectionOptions {
  /** URLs of the members. */
  hosts: readonly string[]
  access: EtcdAccess
  /** Of this pod; shown in etcd. */
  id: string
  /** Milliseconds after which a silent leader is replaced. */
  foverMs: number
  ttlMs: number
  /** Of all that etcd holds of this app. */
  maxListedBytes: number
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
/** A master that was killed is noticed within that quarter, and one whose etcd became slow is not taken for killed. */
const LOST_PER_TTL = 5
const RETRY = { firstMs: 100, maxMs: 2000, jitter: 0.25 }
/** A session that ends sooner counts as an attempt that failed: it costs etcd a whole listing. */
const STABLE_MS = 2000
/** Whoever waits for a program to start looks after a moment. */
const SAY_AFTER_MS = 1000

/** The contact with etcd: one session after the other, for as long as the store is open. */
export class EtcdConnection {
  readonly #options: EtcdConnectionOptions
  readonly #masterId: string
  /** Sessions so far: each is with the next member, and not all masters begin with the same one. */
  #attempts = randomInt(1024)
  #session: EtcdSession | undefined
  /** The one before it, whose lease may not have run out yet. */
  #former: EtcdSession | undefined
  /** Why the last attempt failed. */
  #problem: unknown
  readonly #backoff = new Backoff(RETRY)
  #keptUp: Promise<void> = Promise.resolve()
  readonly #closing = new AbortController()

  constructor(options: EtcdConnectionOptions) {
    this.#options = options
    this.#masterId = `${options.id}-${randomBytes(4).toString('hex')}`
  }

  get leading(): boolean {
    return this.#session?.leading ?? false
  }

  /** None while there is no contact. */
  get others(): readonly OtherMaster[] {
    return this.#session?.others() ?? []
  }

  get leadership(): Leadership | undefined {
    return (this.#session ?? this.#former)?.leadership
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
   * Begins the first session, however long etcd is away.
   *
   * @param signal ends the wait
   * @throws KontrolError KTL_STORE_UNAVAILABLE when it did
   */
  async open(signal?: AbortSignal): Promise<void> {
    const { hosts, logger } = this.#options
    const saying = setTimeout(() => logger.warn({ etcd: hosts }, 'waiting for etcd'), SAY_AFTER_MS)
    const giveUp = (): void => this.giveUp()
    signal?.addEventListener('abort', giveUp)
    if (signal?.aborted === true) giveUp()
    try {
      await this.#connect()
    } finally {
      clearTimeout(saying)
      signal?.removeEventListener('abort', giveUp)
    }
    if (this.#session === undefined) throw this.#unavailable(this.#problem ?? new Error('it was not waited for'))
  }

  /** Tries until there is a session, or no more is wanted. */
  async #connect(): Promise<void> {
    const { logger, hosts } = this.#options
    let told = ''
    while (!this.#closing.signal.aborted) {
      try {
        await this.#beginSession()
        this.#problem = undefined
        return
      } catch (error) {
        this.#problem = error
        const level = told === messageOf(error) ? 'debug' : 'warn'
        told = messageOf(error)
        logger[level]({ etcd: hosts, problem: told }, 'etcd not reached, trying again')
      }
      await this.#pause()
    }
  }

  /** Holds the process: it may be the only thing that goes on. */
  async #pause(): Promise<void> {
    await sleep(this.#backoff.next(), undefined, { signal: this.#closing.signal }).catch(() => {
      // Given up: whoever waits ends.
    })
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
    const { logger, mirror, onFound, clock } = this.#options
    while (!this.#closing.signal.aborted && this.#session !== undefined) {
      const begunAt = clock.monotonic()
      const reason = await this.#session.ended
      this.#former = this.#session
      this.#session = undefined
      if (this.#closing.signal.aborted) return
      logger.warn({ reason }, 'etcd lost')
      mirror.listener?.onContact(false)
      if (clock.monotonic() - begunAt >= STABLE_MS) this.#backoff.reset()
      else await this.#pause()
      await this.#connect()
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
      lostMs: ttlMs / LOST_PER_TTL,
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
      hint: 'Check KONTROL_ETCD with its user and certificates, and that the cluster is reachable and has a leader.'
    })
  }
}
