/** The text of a stream that somebody else decides about: no longer than it may be, and UTF-8. */
export async function textWithin(stream: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const gathered = new GatheredBytes(maxBytes, 'sent')
  for await (const chunk of stream) gathered.add(chunk)
  return gathered.take()
}

/** Its lines that are not empty, as they come in. What comes after the last line feed is none. */
export async function* linesWithin(stream: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  const gathered = new GatheredBytes(maxBytes, 'sent a line of')
  for await (const chunk of stream) {
    let begin = 0
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, begin)) {
      gathered.add(chunk.subarray(begin, end))
      begin = end + 1
      const line = gathered.take()
      if (line !== '') yield line
    }
    gathered.add(chunk.subarray(begin))
  }
}

const LF = 0x0a
const SMALLEST = 512

/** It grows by doubling: one who sends byte by byte costs no more memory than one who does not. */
class GatheredBytes {
  readonly #maxBytes: number
  readonly #deed: string
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  #bytes = Buffer.alloc(0)
  #length = 0

  /** @param deed begins what is said of too many */
  constructor(maxBytes: number, deed: string) {
    this.#maxBytes = maxBytes
    this.#deed = deed
  }

  add(chunk: Uint8Array): void {
    const length = this.#length + chunk.length
    if (length > this.#maxBytes) throw new Error(`${this.#deed} more than ${this.#maxBytes} bytes`)
    if (length > this.#bytes.length) {
      const roomy = Buffer.allocUnsafe(Math.max(SMALLEST, 2 * length))
      roomy.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = roomy
    }
    this.#bytes.set(chunk, this.#length)
    this.#length = length
  }

  /** All of them; it is empty afterwards, and holds no memory of what was long. */
  take(): string {
    const bytes = this.#bytes.subarray(0, this.#length)
    this.#length = 0
    if (this.#bytes.length > 64 * 1024) this.#bytes = Buffer.alloc(0)
    try {
      return this.#decoder.decode(bytes)
    } catch (cause) {
      throw new Error('sent what is no UTF-8', { cause })
    }
  }
}
