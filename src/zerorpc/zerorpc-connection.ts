import type { Socket } from 'node:net'
import type { Caller } from '../access/caller.ts'
import { messageOf } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { ZerorpcApi } from './zerorpc-api.ts'
import { ZerorpcCalls } from './zerorpc-calls.ts'
import type { ZerorpcLimits } from './zerorpc-limits.ts'
import { decodeEvent } from './zerorpc-message.ts'
import { invalid } from './zmtp-decoder.ts'
import { ZmtpPeer } from './zmtp-peer.ts'

export interface ZerorpcConnectionOptions {
  socket: Socket
  api: ZerorpcApi
  caller: Caller
  limits: ZerorpcLimits
  /** Calls of all connections. */
  all: { running: number }
  clock: Clock
  /** Once, with the reason when it was cut off rather than closed by its peer. */
  onClosed: (reason: string | undefined) => void
}

/** One client: its bytes, its calls, and the times that it has to keep. */
export class ZerorpcConnection {
  readonly #options: ZerorpcConnectionOptions
  readonly #peer: ZmtpPeer
  readonly #calls: ZerorpcCalls
  readonly #openedAt: number
  #lastMessage: number
  /** When the message that is still arriving began. */
  #partialSince: number | undefined
  /** Since when the client does not read its answers. */
  #stuckSince: number | undefined
  #reason: string | undefined

  constructor(options: ZerorpcConnectionOptions) {
    const { socket, api, caller, limits, all, clock } = options
    this.#options = options
    this.#openedAt = this.#lastMessage = clock.monotonic()
    this.#calls = new ZerorpcCalls({ api, caller, limits, all, send: (frames) => this.#peer.send(frames) })
    this.#peer = new ZmtpPeer({
      socketType: 'ROUTER',
      accepts: ['DEALER', 'REQ', 'ROUTER'],
      limits,
      write: (bytes) => this.#write(bytes),
      onMessage: (frames) => this.#message(frames)
    })
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('drain', () => this.#drained())
    socket.on('end', () => socket.destroySoon())
    socket.on('error', (error) => this.#cutOff(messageOf(error)))
    socket.on('close', () => this.#closed())
  }

  get callsRunning(): number {
    return this.#calls.running
  }

  /** Greets, and takes what was read to see which protocol it is. */
  begin(firstChunk: Buffer): void {
    this.#peer.greet()
    this.#receive(firstChunk)
    this.#options.socket.resume()
  }

  /** Looks at every time limit; to be called about each second. */
  sweep(now: number): void {
    const { handshakeMs, messageMs, idleMs } = this.#options.limits
    this.#calls.sweep(now)
    if (!this.#peer.ready) {
      if (now - this.#openedAt > handshakeMs) this.#cutOff('no handshake in time')
    } else if (now - (this.#partialSince ?? now) > messageMs) this.#cutOff('no whole message in time')
    else if (now - (this.#stuckSince ?? now) > messageMs) this.#cutOff('answers are not read')
    else if (this.#calls.running === 0 && now - this.#lastMessage > idleMs) this.#options.socket.destroySoon()
  }

  /** Closes once what has been answered is written. */
  close(): void {
    this.#calls.abortAll()
    this.#options.socket.destroySoon()
  }

  #receive(chunk: Buffer): void {
    try {
      this.#peer.receive(chunk)
      this.#partialSince = this.#peer.partial ? (this.#partialSince ?? this.#options.clock.monotonic()) : undefined
    } catch (error) {
      this.#cutOff(messageOf(error))
    }
  }

  #message(frames: Buffer[]): void {
    const now = this.#options.clock.monotonic()
    this.#lastMessage = now
    this.#partialSince = undefined
    const event = frames.at(-1)
    if (frames.length < 2 || event === undefined) throw invalid('a message without an envelope')
    this.#calls.receive(decodeEvent(event), frames.slice(0, -1), now)
  }

  #write(bytes: Uint8Array): void {
    const { socket, clock } = this.#options
    if (!socket.writable) return
    if (socket.write(bytes)) return
    // Whoever does not read its answers gets to ask nothing more.
    this.#stuckSince ??= clock.monotonic()
    socket.pause()
  }

  #drained(): void {
    this.#stuckSince = undefined
    this.#options.socket.resume()
  }

  #cutOff(reason: string): void {
    this.#reason ??= reason
    this.#options.socket.destroy()
  }

  #closed(): void {
    this.#calls.abortAll()
    this.#options.onClosed(this.#reason)
  }
}
