import { encodeCommand, encodeGreeting, encodeMessage, encodeReady } from './zmtp-frames.ts'
import { invalid, ZmtpDecoder, type ZmtpLimits } from './zmtp-decoder.ts'

export interface ZmtpPeerOptions {
  /** What this side is, and what the other may be. */
  socketType: 'ROUTER' | 'DEALER'
  accepts: readonly string[]
  limits: ZmtpLimits
  write(bytes: Uint8Array): void
  /** Both sides have said READY. */
  onReady?(): void
  onMessage(frames: Buffer[]): void
}

/** @see https://rfc.zeromq.org/spec/37/ */
const MAX_CONTEXT_BYTES = 16

/** One side of a ZMTP connection: shakes hands, answers pings of the transport, passes messages on. */
export class ZmtpPeer {
  readonly #options: ZmtpPeerOptions
  readonly #decoder: ZmtpDecoder
  #ready = false

  constructor(options: ZmtpPeerOptions) {
    this.#options = options
    this.#decoder = new ZmtpDecoder(options.limits)
  }

  get ready(): boolean {
    return this.#ready
  }

  /** Whether the other side has begun something, the handshake included, and not completed it. */
  get partial(): boolean {
    return !this.#ready || this.#decoder.partial
  }

  /** Does not wait for the other side: libzmq reads a greeting in parts, but takes it whole as well. */
  greet(): void {
    this.#options.write(encodeGreeting())
  }

  send(frames: readonly Uint8Array[]): void {
    this.#options.write(encodeMessage(frames))
  }

  /** @throws KontrolError KTL_ZMTP_INVALID when the other side breaks the protocol; the connection is of no more use */
  receive(chunk: Uint8Array): void {
    for (const event of this.#decoder.push(chunk)) {
      switch (event.type) {
        case 'greeting':
          this.#options.write(encodeReady(this.#options.socketType))
          break
        case 'command':
          this.#command(event.name, event.data)
          break
        case 'message':
          if (!this.#ready) throw invalid('a message before READY')
          this.#options.onMessage(event.frames)
          break
      }
    }
  }

  #command(name: string, data: Buffer): void {
    if (name === 'READY') this.#becomeReady(data)
    else if (name === 'ERROR') throw invalid(`the error ${JSON.stringify(data.subarray(1, 256).toString('latin1'))}`)
    else if (name === 'PING' && this.#ready) this.#pong(data)
  }

  /** Two bytes of TTL, then a context to send back. */
  #pong(ping: Buffer): void {
    if (ping.length > 2 + MAX_CONTEXT_BYTES)
      throw invalid(`a PING with more than ${MAX_CONTEXT_BYTES} bytes of context`)
    this.#options.write(encodeCommand('PONG', ping.subarray(2)))
  }

  #becomeReady(data: Buffer): void {
    const socketType = propertiesOf(data).get('socket-type') ?? 'nothing'
    if (!this.#options.accepts.includes(socketType)) throw invalid(`READY as ${JSON.stringify(socketType)}`)
    if (this.#ready) throw invalid('READY twice')
    this.#ready = true
    this.#options.onReady?.()
  }
}

/** Properties of a READY command by their name in lower case: names are compared without case. */
function propertiesOf(data: Buffer): Map<string, string> {
  const properties = new Map<string, string>()
  for (let at = 0; at < data.length;) {
    const nameEnd = at + 1 + (data[at] ?? 0)
    if (nameEnd + 4 > data.length) throw invalid('a READY that is cut off')
    const valueEnd = nameEnd + 4 + data.readUInt32BE(nameEnd)
    if (valueEnd > data.length) throw invalid('a READY that is cut off')
    const name = data.subarray(at + 1, nameEnd).toString('latin1')
    properties.set(name.toLowerCase(), data.subarray(nameEnd + 4, valueEnd).toString('latin1'))
    at = valueEnd
  }
  return properties
}
