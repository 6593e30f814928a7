import type { Caller } from '../access/caller.ts'
import { encodeEvent, type MessageId, type ZerorpcMessage } from './zerorpc-message.ts'
import type { ZerorpcApi } from './zerorpc-api.ts'
import type { ZerorpcLimits } from './zerorpc-limits.ts'

interface Call {
  id: MessageId
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
  send(frames: Uint8Array[]): void
}

/** The calls of one connection: runs them, tells their callers that they still run, and notices lost callers. */
export class ZerorpcCalls {
  readonly #options: ZerorpcCallsOptions
  readonly #calls = new Map<string, Call>()

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
        this.#calls.delete(key)
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
  }

  #begin({ id, name, args }: ZerorpcMessage, envelope: readonly Buffer[], now: number): void {
    const { api, caller, limits } = this.#options
    const key = keyOf(id)
    if (this.#calls.has(key)) return
    const abort = new AbortController()
    const call: Call = { id, envelope, abort, nextHeartbeat: now + limits.heartbeatMs, lastHeard: undefined }
    if (this.#calls.size >= limits.calls) {
      const hint = 'Wait for the answers of the calls that run.'
      this.#send(call, 'ERR', ['KTL_QUEUE_FULL', `At most ${limits.calls} calls run at once`, hint])
      return
    }
    this.#calls.set(key, call)
    void api.call({ name, args }, caller, abort.signal).then((reply) => {
      // Gone when the caller is.
      if (this.#calls.delete(key)) this.#send(call, reply.name, reply.args)
    })
  }

  #heard(id: MessageId, now: number): void {
    const call = this.#calls.get(keyOf(id))
    if (call !== undefined) call.lastHeard = now
  }

  #send({ id, envelope }: Call, name: string, args: readonly unknown[]): void {
    this.#options.send([...envelope, encodeEvent(name, args, id)])
  }
}

/** The same for an id as text and as binary. */
const keyOf = (id: MessageId): string => (typeof id === 'string' ? id : Buffer.from(id).toString('latin1'))
