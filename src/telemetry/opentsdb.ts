import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { messageOf } from '../errors.ts'
import { Backoff, type BackoffOptions } from '../platform/backoff.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { Poller } from '../platform/poller.ts'
import { inSlices, putLine, type Sample } from './sample.ts'

export interface OpentsdbRelayOptions {
  host: string
  port: number
  /** Go with every sample; a sample's own tag of the same name wins. */
  tags: Readonly<Record<string, string>>
  collect: () => Promise<readonly Sample[]>
  clock: Clock
  logger: Logger
  /** Milliseconds between two collections. */
  intervalMs?: number
  /** Lines kept while the endpoint is away; about 150 bytes each. */
  maxBuffered?: number
  retry?: BackoffOptions
}

export interface RelayStatus {
  connected: boolean
  /** Lines handed to the connection since the start. */
  sent: number
  buffered: number
  /** Lines given up because the buffer was full. */
  dropped: number
}

const BATCH = 500
/** Five collections of the largest fleet whose servers have figures; some 40 MB. */
const MAX_BUFFERED = 250_000
const RETRY: BackoffOptions = { firstMs: 500, maxMs: 15_000, jitter: 0.25 }
const CONNECT_TIMEOUT_MS = 5_000
const STALLED_MS = 60_000
const KEEPALIVE_MS = 10_000
/** What is left to be said when we stop must be said within this. */
const FAREWELL_MS = 1_000

/**
 * Sends figures to an OpenTSDB, KairosDB or InfluxDB by the telnet protocol.
 *
 * The protocol acknowledges nothing, so that the last batches of a connection
 * that broke may be lost: they are sent again, as the same point written twice
 * is one point.
 */
export class OpentsdbRelay {
  readonly #options: OpentsdbRelayOptions
  readonly #buffer: LineBuffer
  readonly #backoff: Backoff
  readonly #poller: Poller
  #socket: Socket | undefined
  #connected = false
  #writing = false
  #stopped = true
  #sent = 0
  /** What was written since the last collection: nothing tells whether it arrived. */
  #unsure: string[] = []
  #complained = false
  #cancelConnect: Cancel = () => {}

  constructor(options: OpentsdbRelayOptions) {
    this.#options = options
    this.#buffer = new LineBuffer(options.maxBuffered ?? MAX_BUFFERED)
    this.#backoff = new Backoff(options.retry ?? RETRY)
    const { clock, logger, intervalMs = 10_000 } = options
    this.#poller = new Poller({
      clock,
      intervalMs,
      poll: () => this.#collectAndSend(),
      onError: (error) => logger.warn({ reason: messageOf(error) }, 'statistics not collected')
    })
  }

  start(): void {
    if (!this.#stopped) return
    this.#stopped = false
    this.#connect()
    this.#poller.startNow()
  }

  status(): RelayStatus {
    return {
      connected: this.#connected,
      sent: this.#sent,
      buffered: this.#buffer.size,
      dropped: this.#buffer.dropped
    }
  }

  /** Sends what is buffered, if the endpoint is there, and lets go of it. */
  async stop(): Promise<void> {
    this.#stopped = true
    void this.#poller.stop()
    this.#cancelConnect()
    const socket = this.#socket
    if (socket === undefined || socket.destroyed) return
    const closed = once(socket, 'close')
    socket.setTimeout(FAREWELL_MS, () => socket.destroy())
    if (!this.#connected) socket.destroy()
    else void this.#flush().then(() => socket.end())
    await closed
  }

  async #collectAndSend(): Promise<void> {
    const samples = await this.#options.collect()
    this.#buffer.push(await this.#linesOf(samples))
    // An endpoint that takes long does not hold up the next collection.
    if (!this.#stopped) void this.#flush()
  }

  async #linesOf(samples: readonly Sample[]): Promise<string[]> {
    const lines: string[] = []
    for await (const slice of inSlices(samples)) {
      for (const sample of slice) {
        const line = putLine({ ...sample, tags: { ...this.#options.tags, ...sample.tags } })
        if (line !== undefined) lines.push(line)
      }
    }
    return lines
  }

  async #flush(): Promise<void> {
    if (this.#writing) return
    this.#writing = true
    this.#unsure = []
    try {
      while (this.#connected && this.#buffer.size > 0) await this.#sendBatch()
    } finally {
      this.#writing = false
    }
  }

  async #sendBatch(): Promise<void> {
    const socket = this.#socket
    if (socket === undefined) return
    const batch = this.#buffer.take(BATCH)
    const failed = await new Promise<boolean>((resolve) => {
      socket.write(`${batch.join('\n')}\n`, (error) => resolve(error !== null && error !== undefined))
    })
    if (failed) {
      this.#buffer.putBack(batch)
      return
    }
    this.#sent += batch.length
    this.#unsure.push(...batch)
  }

  #connect(): void {
    const { host, port, logger } = this.#options
    const socket = connect({ host, port, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS })
    this.#socket = socket
    const giveUp = (): void => void socket.destroy(new Error('no connection in time'))
    socket.setTimeout(CONNECT_TIMEOUT_MS, giveUp)
    socket.on('connect', () => {
      socket.off('timeout', giveUp)
      // Silence is as it should be, except when we cannot get rid of what we say.
      socket.setTimeout(STALLED_MS, () => this.#writing && socket.destroy(new Error('takes no more')))
      this.#connected = true
      this.#complained = false
      this.#backoff.reset()
      logger.info({ host, port, buffered: this.#buffer.size }, 'statistics endpoint connected')
      void this.#flush()
    })
    socket.on('data', (answer: Buffer) => this.#complain(answer))
    socket.on('error', (error) => logger.debug({ host, port, reason: error.message }, 'statistics endpoint failed'))
    socket.on('close', () => this.#lost())
  }

  /** It only ever answers to complain, as OpenTSDB 2.4 does: `put: illegal argument: not enough arguments (need least 4, got 3)`. */
  #complain(answer: Buffer): void {
    if (this.#complained) return
    this.#complained = true
    const reason = answer.subarray(0, 200).toString('utf8').trim()
    this.#options.logger.warn({ reason }, 'statistics refused')
  }

  #lost(): void {
    const { host, port, clock, logger } = this.#options
    if (this.#stopped) return
    if (this.#connected) {
      logger.warn({ host, port }, 'statistics endpoint lost')
      this.#buffer.putBack(this.#unsure)
      this.#unsure = []
    }
    this.#connected = false
    this.#cancelConnect = clock.after(this.#backoff.next(), () => this.#connect())
  }
}

/** Lines that wait to be sent. When it is full the oldest go, and are counted: the newest figures are worth the most. */
export class LineBuffer {
  readonly #max: number
  #lines: string[] = []
  #dropped = 0

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#lines.length
  }

  /** How many lines were given up since the start. */
  get dropped(): number {
    return this.#dropped
  }

  push(lines: readonly string[]): void {
    this.#replace([...this.#lines, ...lines])
  }

  /** Puts back, in front, what could not be sent. */
  putBack(lines: readonly string[]): void {
    this.#replace([...lines, ...this.#lines])
  }

  take(count: number): string[] {
    return this.#lines.splice(0, count)
  }

  #replace(lines: string[]): void {
    const excess = Math.max(0, lines.length - this.#max)
    this.#dropped += excess
    this.#lines = excess === 0 ? lines : lines.slice(excess)
  }
}
