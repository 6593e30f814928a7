import type { Caller } from '../access/caller.ts'
import { encodeEvent, type MessageId, type ZerorpcMessage } from './zerorpc-message.ts'
import { failure, type ZerorpcApi } from './zerorpc-api.ts'
import type { ZerorpcLimits } from './zerorpc-limits.ts'

interface Call {
  id: MessageId
  isPing: boolean
  /** The frames before the request, which go before its answers as well. */
  envelope: readonly Buffer[]
  abort: AbortController
  nextHeartbeat: number
  /** Last heartbeat of the caller; undefined when it sends none, which it may. */
  lastHeard: number | undefined
}

export interface ZerorpcCallsOptions {
  api: ZerorpcApi
  caller: Caller
  limits: ZerorpcLimits
  /** Of all connections. */
  all: { running: number }
  send(frames: Uint8Array[]): void
}

/** The calls of one connection: runs them, tells their callers that they still run, and notices lost callers. */
export class ZerorpcCalls {
  readonly #options: ZerorpcCallsOptions
  readonly #calls = new Map<string, Call>()
  #pings = 0

  constructor(options: ZerorpcCallsOptions) {
    this.#options = options
  }

  get running(): number {
    return this.#calls.size
  }

  receive(message: ZerorpcMessage, envelope: readonly Buffer[], now: number): void {
    const { id, responseTo, name } = message
    if (name === '_zpc_hb') this.#heard(responseTo ?? id, now)
    // A window for streams, of which this server has none.
    else if (name !== '_zpc_more') this.#begin(message, envelope, now)
  }

  /** Sends the heartbeats that are due, and forgets the calls whose callers have gone. */
  sweep(now: number): void {
    const { heartbeatMs, lostMs } = this.#options.limits
    for (const [key, call] of this.#calls) {
      if (call.lastHeard !== undefined && now - call.lastHeard > lostMs) {
        this.#forget(key, call)
        call.abort.abort()
      } else if (now >= call.nextHeartbeat) {
        call.nextHeartbeat = now + heartbeatMs
        this.#send(call, '_zpc_hb', [0])
      }
    }
  }

  abortAll(): void {
    for (const { abort } of this.#calls.values()) abort.abort()
    this.#calls.clear()
    this.#pings = 0
  }

  #begin({ id, name, args }: ZerorpcMessage, envelope: readonly Buffer[], now: number): void {
    const { api, caller, limits, all } = this.#options
    const key = keyOf(id)
    if (this.#calls.has(key)) return
    const abort = new AbortController()
    const isPing = name === 'ping'
    const call: Call = { id, isPing, envelope, abort, nextHeartbeat: now + limits.heartbeatMs, lastHeard: undefined }
    const running = isPing ? this.#pings : this.#calls.size - this.#pings
    const most = !isPing && all.running >= limits.allCalls ? limits.allCalls : limits.calls
    if (isPing ? running >= limits.pings : running >= limits.calls || all.running >= limits.allCalls) {
      const { name: kind, args: said } = isPing ? api.refusePing() : tooMany(most)
      return this.#send(call, kind, said)
    }
    this.#calls.set(key, call)
    if (isPing) this.#pings++
    else all.running++
    void api.call({ name, args }, caller, abort.signal).then((reply) => {
      // What it began may go on without its caller, and counts until then.
      if (!isPing) all.running--
      // Gone when the caller is.
      if (this.#forget(key, call)) this.#send(call, reply.name, reply.args)
    })
  }

  /** @returns whether it was still there */
  #forget(key: string, call: Call): boolean {
    if (this.#calls.get(key) !== call) return false
    if (call.isPing) this.#pings--
    return this.#calls.delete(key)
  }

  #heard(id: MessageId, now: number): void {
    const call = this.#calls.get(keyOf(id))
    if (call !== undefined) call.lastHeard = now
  }

  #send({ id, envelope }: Call, name: string, args: readonly unknown[]): void {
    this.#options.send([...envelope, encodeEvent(name, args, id)])
  }
}

const tooMany = (calls: number) =>
  failure('KTL_QUEUE_FULL', `At most ${calls} calls run at once`, 'Wait for the answers of the calls that run.')

/** The same for an id as text and as binary. */
const keyOf = (id: MessageId): string => (typeof id === 'string' ? id : Buffer.from(id).toString('latin1'))
