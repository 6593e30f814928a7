import { setTimeout as delay } from 'node:timers/promises'
import type { Socket } from 'node:net'
import type { Caller } from '../access/caller.ts'
import { messageOf, type KontrolError } from '../errors.ts'
import type { LimitUse } from '../model/limits.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { ZerorpcApi, type ZerorpcHandlers } from './zerorpc-api.ts'
import { ZerorpcConnection } from './zerorpc-connection.ts'
import { defaultZerorpcLimits, type ZerorpcLimits } from './zerorpc-limits.ts'

export interface ZerorpcServerOptions {
  handlers: ZerorpcHandlers
  callerAt: (address: string | undefined) => Caller
  /** Told of each keepalive that was not taken, and why. */
  onPingRefused?: (error: unknown) => void
  logger: Logger
  clock: Clock
  limits?: Partial<ZerorpcLimits>
  /** Answer to every ping and invoke, where the operator wants credentials: ZeroRPC has none to show. */
  refusal?: KontrolError | undefined
}

export interface ZerorpcStatus {
  connections: number
  callsRunning: number
  /** Keepalives that were not taken. */
  pingsRefused: number
  /** Connections that were cut off or turned away. */
  cutOff: number
}

const GRACE_MS = 1000
const GRACE_STEP_MS = 20
/** Least milliseconds between two log lines about refused pings, and about cut-off connections: the network can cause any number. */
const LOG_INTERVAL_MS = 10_000

/** Kontrol's control tier in its last generation's protocol, on sockets that someone else accepts. */
export class ZerorpcServer {
  readonly #options: ZerorpcServerOptions
  readonly #limits: ZerorpcLimits
  readonly #api: ZerorpcApi
  readonly #connections = new Set<ZerorpcConnection>()
  readonly #all = { running: 0 }
  #cancelSweep: Cancel | undefined
  #closing = false
  #pingsRefused = 0
  #cutOff = 0
  readonly #lastLogged = new Map<string, number>()

  constructor(options: ZerorpcServerOptions) {
    const { handlers, refusal, limits } = options
    this.#options = options
    this.#limits = { ...defaultZerorpcLimits, ...limits }
    this.#api = new ZerorpcApi({
      handlers,
      refusal,
      onPingRefused: (error) => {
        this.#pingsRefused += 1
        options.onPingRefused?.(error)
        this.#warn({ reason: messageOf(error), total: this.#pingsRefused }, 'keepalive over ZeroRPC refused')
      }
    })
  }

  /** Takes over a connection whose first bytes have been read. */
  accept(socket: Socket, firstChunk: Buffer): void {
    const { clock, callerAt } = this.#options
    if (this.#closing || this.#connections.size >= this.#limits.connections) {
      this.#countCutOff(this.#closing ? undefined : `more than ${this.#limits.connections} connections`)
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    const connection = new ZerorpcConnection({
      socket,
      api: this.#api,
      caller: callerAt(socket.remoteAddress),
      limits: this.#limits,
      all: this.#all,
      clock,
      onClosed: (reason) => {
        this.#connections.delete(connection)
        this.#countCutOff(reason)
      }
    })
    this.#connections.add(connection)
    this.#sweepLater()
    connection.begin(firstChunk)
  }

  get use(): LimitUse {
    return { limit: 'zerorpc_calls', used: this.#all.running, max: this.#limits.allCalls }
  }

  status(): ZerorpcStatus {
    return {
      connections: this.#connections.size,
      callsRunning: this.#callsRunning(),
      pingsRefused: this.#pingsRefused,
      cutOff: this.#cutOff
    }
  }

  /** Takes no more connections, gives the calls that run a second, and closes all. */
  async close(): Promise<void> {
    this.#closing = true
    for (let waited = 0; this.#callsRunning() > 0 && waited < GRACE_MS; waited += GRACE_STEP_MS) {
      await delay(GRACE_STEP_MS)
    }
    this.#cancelSweep?.()
    for (const connection of this.#connections) connection.close()
  }

  #callsRunning(): number {
    let running = 0
    for (const connection of this.#connections) running += connection.callsRunning
    return running
  }

  /** One timer for all connections, and none while there are none. */
  #sweepLater(): void {
    this.#cancelSweep ??= this.#options.clock.after(this.#limits.heartbeatMs / 5, () => {
      this.#cancelSweep = undefined
      const now = this.#options.clock.monotonic()
      for (const connection of this.#connections) connection.sweep(now)
      if (this.#connections.size > 0 && !this.#closing) this.#sweepLater()
    })
  }

  #countCutOff(reason: string | undefined): void {
    if (reason === undefined) return
    this.#cutOff += 1
    this.#warn({ reason, total: this.#cutOff }, 'ZeroRPC connection cut off')
  }

  #warn(details: { reason: string; total: number }, message: string): void {
    const now = this.#options.clock.monotonic()
    if (now - (this.#lastLogged.get(message) ?? -Infinity) < LOG_INTERVAL_MS) return
    this.#lastLogged.set(message, now)
    this.#options.logger.warn(details, message)
  }
}
