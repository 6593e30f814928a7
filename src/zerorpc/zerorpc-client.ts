import { createConnection, type Socket } from 'node:net'
import { KontrolError, messageOf } from '../errors.ts'
import { decodeEvent, encodeRequest, textOf } from './zerorpc-message.ts'
import { ZmtpPeer } from './zmtp-peer.ts'

export interface ZerorpcClientOptions {
  host: string
  port: number
  /** What errors call the master. */
  name: string
}

interface Pending {
  id: string
  resolve: () => void
  reject: (error: Error) => void
}

/** More than any answer to a ping. */
const limits = { messageBytes: 64 * 1024, frames: 8 }
/** Characters of an answer that go into a message. */
const REASON_LENGTH = 300
const NO_FRAME = Buffer.alloc(0)

/**
 * Sends keepalives to a master of Kontrol's last generation, over one
 * connection that is kept. A failure of any kind drops the connection, and the
 * next keepalive makes a new one; when to send that is for the caller to say.
 */
export class ZerorpcClient {
  readonly #options: ZerorpcClientOptions
  #socket: Socket | undefined
  #peer: ZmtpPeer | undefined
  /** Goes out as soon as both sides are ready. */
  #request: Uint8Array | undefined
  #pending: Pending | undefined

  constructor(options: ZerorpcClientOptions) {
    this.#options = options
  }

  /**
   * Calls ping(keepalive); one at a time.
   *
   * @throws KontrolError KTL_MASTER_UNREACHABLE when no OK came before the signal fired
   */
  async send(keepalive: string, signal: AbortSignal): Promise<void> {
    if (this.#pending !== undefined) throw this.#unreachable('is still busy with the last keepalive')
    const onAbort = (): void => this.#fail('did not answer in time')
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await new Promise<void>((resolve, reject) => {
        const { id, bytes } = encodeRequest('ping', [keepalive])
        this.#pending = { id: textOf(id) ?? '', resolve, reject }
        this.#request = bytes
        if (signal.aborted) onAbort()
        else if (this.#socket === undefined) this.#connect()
        else this.#flush()
      })
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  async close(): Promise<void> {
    this.#fail('connection was closed')
  }

  #connect(): void {
    const { host, port } = this.#options
    const socket = createConnection({ host, port, noDelay: true })
    this.#socket = socket
    this.#peer = new ZmtpPeer({
      socketType: 'DEALER',
      accepts: ['ROUTER', 'DEALER', 'REP'],
      limits,
      // Who does not read what it asked for, PONGs for example, gets to ask for nothing more.
      write: (bytes) => void (socket.write(bytes) || socket.pause()),
      onReady: () => this.#flush(),
      onMessage: (frames) => this.#message(frames)
    })
    this.#peer.greet()
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('drain', () => socket.resume())
    socket.on('error', (error) => this.#dropped(socket, messageOf(error)))
    socket.on('close', () => this.#dropped(socket, 'closed the connection'))
  }

  #flush(): void {
    if (this.#request === undefined || this.#peer?.ready !== true) return
    this.#peer.send([NO_FRAME, this.#request])
    this.#request = undefined
  }

  #receive(chunk: Buffer): void {
    try {
      this.#peer?.receive(chunk)
    } catch (error) {
      this.#fail(messageOf(error))
    }
  }

  #message(frames: Buffer[]): void {
    const { responseTo, name, args } = decodeEvent(frames.at(-1) ?? NO_FRAME)
    const pending = this.#pending
    if (pending === undefined || textOf(responseTo) !== pending.id || name.startsWith('_zpc_')) return
    this.#pending = undefined
    if (name === 'OK') pending.resolve()
    else pending.reject(this.#unreachable(`answered ${name}: ${args.map(String).join(', ')}`.slice(0, REASON_LENGTH)))
  }

  /** Events of a socket that has been replaced tell nothing about the present one. */
  #dropped(socket: Socket, reason: string): void {
    if (socket === this.#socket) this.#fail(reason)
  }

  #fail(reason: string): void {
    const pending = this.#pending
    this.#pending = undefined
    this.#request = undefined
    this.#socket?.destroy()
    this.#socket = undefined
    this.#peer = undefined
    pending?.reject(this.#unreachable(reason))
  }

  #unreachable(reason: string): KontrolError {
    return new KontrolError('KTL_MASTER_UNREACHABLE', `Master ${this.#options.name}: ${reason}`, {
      hint: 'Check that the address names a master of the ZeroRPC generation.'
    })
  }
}
