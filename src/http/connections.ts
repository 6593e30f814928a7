import type { Server, Socket } from 'node:net'
import { senderAt } from '../access/caller.ts'
import type { LimitUse } from '../model/limits.ts'
import type { Logger } from '../platform/logger.ts'

export interface ConnectionsOptions {
  /** Connections at once. */
  readonly max: number
  readonly logger: Pick<Logger, 'warn'>
  /** Milliseconds that a client may read nothing of an answer; a minute when absent. */
  readonly unreadMs?: number
  /** Bytes of answers that wait for all clients together; 128 MiB when absent. */
  readonly unreadBytes?: number
  /** Milliseconds between two looks at them; one second when absent. */
  readonly sweepMs?: number
}

interface Unread {
  read: number
  since: number
}

/** Connections looked at for one that has said nothing, before the oldest goes. */
const LOOKED_AT = 64
/** Least milliseconds between two log lines: the network can cause any number. */
const LOG_INTERVAL_MS = 10_000

/**
 * The connections of a port. When there are too many, whoever has the most loses one, first of those that never said a
 * word: so a flood costs its sender, and the descriptors of our own work stay free. What is not read does not fill
 * the memory.
 */
export class Connections {
  readonly #options: Required<ConnectionsOptions>
  /** By sender, oldest first. */
  readonly #bySender = new Map<string, Set<Socket>>()
  /** What answers are written to: the same, or the TLS on top of them. */
  readonly #streams = new Map<Socket, Unread>()
  readonly #timer: NodeJS.Timeout
  #count = 0
  #cutOff = 0
  #loggedAt = -Infinity

  constructor(server: Server, options: ConnectionsOptions) {
    this.#options = { unreadMs: 60_000, unreadBytes: 128 * 1024 * 1024, sweepMs: 1_000, ...options }
    server.prependListener('connection', (socket) => this.#opened(socket))
    server.on('secureConnection', (socket: Socket) => this.#watch(socket))
    this.#timer = setInterval(() => this.#sweep(), this.#options.sweepMs).unref()
  }

  get use(): LimitUse {
    return { limit: 'connections', used: this.#count, max: this.#options.max }
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #opened(socket: Socket): void {
    const sender = senderAt(socket.remoteAddress)
    const siblings = this.#bySender.get(sender) ?? new Set()
    this.#bySender.set(sender, siblings.add(socket))
    this.#count++
    socket.once('close', () => {
      this.#count--
      siblings.delete(socket)
      if (siblings.size === 0) this.#bySender.delete(sender)
    })
    this.#watch(socket)
    if (this.#count > this.#options.max) this.#makeRoom()
  }

  #watch(stream: Socket): void {
    this.#streams.set(stream, { read: 0, since: 0 })
    stream.once('close', () => this.#streams.delete(stream))
  }

  #makeRoom(): void {
    let most = new Set<Socket>()
    for (const sockets of this.#bySender.values()) if (sockets.size > most.size) most = sockets
    const [oldest, ...others] = firstOf(most, LOOKED_AT)
    const silent = [oldest, ...others].find((socket) => socket?.bytesRead === 0)
    this.#cut(silent ?? oldest, `more than ${this.#options.max} connections`)
  }

  #sweep(): void {
    const { unreadMs, unreadBytes } = this.#options
    const now = performance.now()
    let waiting = 0
    for (const [stream, unread] of this.#streams) {
      waiting += stream.writableLength
      const read = stream.bytesWritten - stream.writableLength
      if (stream.writableLength === 0 || read !== unread.read) Object.assign(unread, { read, since: now })
      else if (now - unread.since > unreadMs) this.#cut(stream, 'answers are not read')
    }
    if (waiting <= unreadBytes) return
    const largest = [...this.#streams.keys()].sort((one, other) => other.writableLength - one.writableLength)
    for (const stream of largest) {
      if (waiting <= unreadBytes) return
      waiting -= stream.writableLength
      this.#cut(stream, 'too much waits to be read')
    }
  }

  #cut(socket: Socket | undefined, reason: string): void {
    socket?.destroy()
    this.#cutOff++
    const now = performance.now()
    if (now - this.#loggedAt < LOG_INTERVAL_MS) return
    this.#loggedAt = now
    const sender = senderAt(socket?.remoteAddress)
    this.#options.logger.warn({ reason, sender, total: this.#cutOff }, 'connection cut off')
  }
}

function firstOf<T>(all: Iterable<T>, count: number): T[] {
  const found: T[] = []
  for (const item of all) {
    if (found.length >= count) break
    found.push(item)
  }
  return found
}
