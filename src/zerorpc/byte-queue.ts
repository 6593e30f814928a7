const SMALLEST = 512

/**
 * Bytes that have arrived and not been taken. It grows by doubling, so that a
 * peer which sends byte by byte costs no more than one that does not.
 */
export class ByteQueue {
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
