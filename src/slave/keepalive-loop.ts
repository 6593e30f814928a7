import { toKontrolJson } from '../model/json/kontrol.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { EitherMaster } from './either-master.ts'
import { HttpMaster, type TlsCredentials } from './http-master.ts'
import type { HealthWatch } from './health-watch.ts'
import { keyOf, newNonce } from './identity.ts'
import { parseMasterAddress, type MasterAddress } from './master-address.ts'
import { type MasterConnection, MasterPinger, type MasterStatus } from './master-pinger.ts'

/** The part of a payload file that the loop needs. */
interface PayloadSource {
  readonly payload: unknown
  watch(onChange: () => void): Promise<void>
  stop(): void
}

export interface KeepaliveLoopOptions {
  /** This pod; `key` follows from `ip` when absent. */
  self: { app: string; id: string; ip: string; role: string; key?: string | undefined }
  /** As the annotation names them, see parseMasterAddress(). */
  masters: readonly string[]
  /** Port of the masters that name none: this slave's own. */
  port: number
  ttlMs: number
  payload: PayloadSource | undefined
  /** Whether the service of this pod is well; absent, it is taken to be. */
  health?: ((on: { onUp: () => void; onDown: () => void }) => Pick<HealthWatch, 'start' | 'stop'>) | undefined
  token?: (() => string | undefined) | undefined
  tls?: TlsCredentials | undefined
  /** Connects to the masters of Kontrol's last generation. */
  connectZerorpc: (address: MasterAddress) => MasterConnection
  clock: Clock
  logger: Logger
  random?: () => number
}

/** What Kontrol's masters were built for: three quarters of a TTL leave one retry's room. */
const PERIOD_IN_TTLS = 0.75
const LONGEST_ANSWER_MS = 1000

/** Tells every master that this pod is alive: at once, each 0.75 TTL, and when its payload changes. */
export class KeepaliveLoop {
  readonly #options: KeepaliveLoopOptions
  readonly #identity: Record<string, string>
  /** By the name of the master. */
  #pingers: ReadonlyMap<string, MasterPinger> = new Map()
  readonly #health: Pick<HealthWatch, 'start' | 'stop'> | undefined
  #isWell: boolean
  #left: Promise<void> | undefined

  /** @throws KontrolError KTL_CONFIG_INVALID for a master or an address of this pod that is none */
  constructor(options: KeepaliveLoopOptions) {
    const { app, id, ip, role, key = keyOf(ip) } = options.self
    this.#options = options
    this.#identity = { app, id, ip, key, nonce: newNonce(), role }
    this.#pingers = this.#pingersOf(options.masters)
    this.#health = options.health?.({ onUp: () => this.#resume(), onDown: () => this.#pause() })
    this.#isWell = this.#health === undefined
  }

  /** The first ping leaves as soon as the payload file has been read. */
  start(): void {
    this.#health?.start()
    const { payload } = this.#options
    if (payload === undefined) this.sendNow()
    else void payload.watch(() => this.sendNow()).then(() => this.sendNow())
  }

  /** Sends a keepalive to every master now, if the service is well. */
  sendNow(): void {
    if (!this.#isWell) return
    for (const pinger of this.#pingers.values()) pinger.ping()
  }

  /**
   * Reports to these masters from now on, at once to new ones. Those that are gone are not told: they may share their
   * registry with one that stays, which would lose the pod for a moment. It expires there, if nobody reports it.
   *
   * @throws KontrolError KTL_CONFIG_INVALID for one that is none; all stay as they were then
   */
  replaceMasters(masters: readonly string[]): void {
    if (this.#left !== undefined) return
    const former = this.#pingers
    this.#pingers = this.#pingersOf(masters)
    for (const [name, pinger] of this.#pingers) if (!former.has(name) && this.#isWell) pinger.ping()
    for (const [name, pinger] of former) if (!this.#pingers.has(name)) void pinger.stop()
  }

  /** Stops, and tells every master that this pod leaves; resolves after two answer times at the latest. */
  leave(): Promise<void> {
    this.#left ??= this.#leave()
    return this.#left
  }

  status(): MasterStatus[] {
    return Array.from(this.#pingers.values(), (pinger) => pinger.status())
  }

  #resume(): void {
    this.#isWell = true
    for (const pinger of this.#pingers.values()) pinger.resume()
  }

  /** The proxies take this pod out at once, and not only when its TTL has passed. */
  #pause(): void {
    this.#isWell = false
    const farewell = this.#keepalive({ down: true })
    for (const pinger of this.#pingers.values()) void pinger.pause(farewell)
  }

  async #leave(): Promise<void> {
    this.#health?.stop()
    this.#options.payload?.stop()
    const farewell = this.#keepalive({ down: true })
    await Promise.all(Array.from(this.#pingers.values(), (pinger) => pinger.leave(farewell)))
  }

  #keepalive(extra: { down?: true } = {}): string {
    return toKontrolJson({ ...this.#identity, payload: this.#options.payload?.payload ?? '', ...extra })
  }

  /** One for each master; those that are known already stay as they are. */
  #pingersOf(masters: readonly string[]): ReadonlyMap<string, MasterPinger> {
    const { port } = this.#options
    const addresses = [...new Set(masters)].map((name) => parseMasterAddress(name, port))
    return new Map(addresses.map((address) => [address.name, this.#pingers.get(address.name) ?? this.#pinger(address)]))
  }

  #pinger(address: MasterAddress): MasterPinger {
    const { ttlMs, clock, logger, random = Math.random } = this.#options
    return new MasterPinger({
      master: address.name,
      connection: this.#connect(address),
      periodMs: ttlMs * PERIOD_IN_TTLS,
      // Leaves room for a retry within a TTL of a second or two.
      timeoutMs: Math.min(LONGEST_ANSWER_MS, ttlMs / 4),
      keepalive: () => this.#keepalive(),
      clock,
      logger,
      random
    })
  }

  #connect(address: MasterAddress): MasterConnection {
    const { connectZerorpc, token, tls, ttlMs, logger } = this.#options
    if (address.protocol === 'zerorpc') return connectZerorpc(address)
    const http = new HttpMaster({ address, token, tls, keepAliveMs: 2 * ttlMs })
    if (address.protocol !== 'either') return http
    return new EitherMaster({
      http,
      connectZerorpc: () => connectZerorpc(address),
      onZerorpc: () => logger.info({ master: address.name }, 'master speaks zerorpc')
    })
  }
}
