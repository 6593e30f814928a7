import { KontrolError } from '../errors.ts'
import { FLAG_COMMAND, FLAG_LONG, FLAG_MORE, GREETING_LENGTH } from './zmtp-frames.ts'

export interface ZmtpLimits {
  /** Bytes of all frames of a message. */
  messageBytes: number
  /** Frames of a message. */
  frames: number
}

export type ZmtpEvent =
  { type: 'greeting' } | { type: 'command'; name: string; data: Buffer } | { type: 'message'; frames: Buffer[] }

/**
 * Turns the bytes of a ZMTP 3 peer into events, however they are cut. Lengths
 * are held against the limits before the bytes are waited for.
 */
export class ZmtpDecoder {
  readonly #limits: ZmtpLimits
  readonly #queue = new ByteQueue()
  #greeted = false
  #flags: number | undefined
  #size: number | undefined
  #frames: Buffer[] = []
  #bytes = 0

  constructor(limits: ZmtpLimits) {
    this.#limits = limits
  }

  /** Whether something has begun that is not complete. */
  get partial(): boolean {
    return !this.#greeted || this.#queue.length > 0 || this.#flags !== undefined || this.#frames.length > 0
  }

  /** @throws KontrolError KTL_ZMTP_INVALID for what is no ZMTP 3 with the NULL mechanism, or beyond the limits */
  *push(chunk: Uint8Array): Generator<ZmtpEvent> {
    this.#queue.push(chunk)
    if (!this.#greeted) {
      const greeting = this.#queue.take(GREETING_LENGTH)
      if (greeting === undefined) return
      checkGreeting(greeting)
      this.#greeted = true
      yield { type: 'greeting' }
    }
    for (let frame = this.#takeFrame(); frame !== undefined; frame = this.#takeFrame()) {
      const event = this.#accept(frame)
      if (event !== undefined) yield event
    }
  }

  #takeFrame(): { flags: number; body: Buffer } | undefined {
    this.#flags ??= this.#queue.take(1)?.[0]
    if (this.#flags === undefined) return undefined
    this.#size ??= this.#takeSize(this.#flags)
    if (this.#size === undefined) return undefined
    const body = this.#queue.take(this.#size)
    if (body === undefined) return undefined
    const flags = this.#flags
    this.#flags = undefined
    this.#size = undefined
    return { flags, body }
  }

  #takeSize(flags: number): number | undefined {
    if ((flags & ~(FLAG_MORE | FLAG_LONG | FLAG_COMMAND)) !== 0) throw invalid(`unknown frame flags ${flags}`)
    const bytes = this.#queue.take((flags & FLAG_LONG) === 0 ? 1 : 8)
    if (bytes === undefined) return undefined
    const size = Number(bytes.length === 1 ? bytes[0] : bytes.readBigUInt64BE())
    const { messageBytes, frames } = this.#limits
    if (this.#bytes + size > messageBytes) throw invalid(`a message of more than ${messageBytes} bytes`)
    if (this.#frames.length >= frames) throw invalid(`a message of more than ${frames} frames`)
    return size
  }

  #accept({ flags, body }: { flags: number; body: Buffer }): ZmtpEvent | undefined {
    if ((flags & FLAG_COMMAND) !== 0) return commandOf(body)
    this.#frames.push(body)
    this.#bytes += body.length
    if ((flags & FLAG_MORE) !== 0) return undefined
    const frames = this.#frames
    this.#frames = []
    this.#bytes = 0
    return { type: 'message', frames }
  }
}

/** The first bytes may come from anything, so each of them is looked at that tells ZMTP from it. */
function checkGreeting(greeting: Buffer): void {
  if (greeting[0] !== 0xff || greeting[9] !== 0x7f) throw invalid('no ZMTP signature')
  if ((greeting[10] ?? 0) < 3) throw invalid(`ZMTP version ${greeting[10]}, and not 3`)
  const mechanism = greeting.subarray(12, 32).toString('latin1').replace(/\0+$/, '')
  if (mechanism !== 'NULL') throw invalid(`the security mechanism ${JSON.stringify(mechanism)}, and not NULL`)
}

function commandOf(body: Buffer): ZmtpEvent {
  const length = body[0] ?? 0
  if (length === 0 || body.length < 1 + length) throw invalid('a command without a name')
  return { type: 'command', name: body.subarray(1, 1 + length).toString('latin1'), data: body.subarray(1 + length) }
}

/** An error about a peer: `problem` completes "The peer sent …". */
export function invalid(problem: string): KontrolError {
  return new KontrolError('KTL_ZMTP_INVALID', `The peer sent ${problem}`, {
    hint: 'Speak ZeroRPC over ZMTP 3 with the NULL mechanism, or HTTP.'
  })
}

const SMALLEST = 512

/**
 * Bytes that have arrived and not been taken. It grows by doubling, so that a
 * peer which sends byte by byte costs no more than one that does not.
 */
class ByteQueue {
  #bytes = Buffer.alloc(0)
  #start = 0
  #end = 0

  get length(): number {
    return this.#end - this.#start
  }

  push(chunk: Uint8Array): void {
    this.#makeRoom(chunk.length)
    this.#bytes.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /** The next bytes, as a copy; undefined while fewer are there. */
  take(count: number): Buffer | undefined {
    if (this.length < count) return undefined
    const taken = Buffer.from(this.#bytes.subarray(this.#start, this.#start + count))
    this.#start += count
    if (this.#start === this.#end) this.#clear()
    return taken
  }

  #makeRoom(count: number): void {
    if (this.#end + count <= this.#bytes.length) return
    const kept = this.#bytes.subarray(this.#start, this.#end)
    const roomy = Buffer.allocUnsafe(Math.max(SMALLEST, 2 * (kept.length + count)))
    roomy.set(kept)
    this.#bytes = roomy
    this.#end = kept.length
    this.#start = 0
  }

  /** An idle connection holds no memory of the large message it once carried. */
  #clear(): void {
    this.#start = 0
    this.#end = 0
    if (this.#bytes.length > 64 * 1024) this.#bytes = Buffer.alloc(0)
  }
}
