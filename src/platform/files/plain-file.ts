import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'

/** More than any secret, certificate or manifest has. */
export const SMALL_FILE_BYTES = 1024 * 1024
/** More than we ever write into a file of our own: a text of V8 has twice as many characters at most. */
export const STATE_FILE_BYTES = 256 * 1024 * 1024
/** A FIFO that nobody writes to would hold up an ordinary open() for good, and with it the program. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK
/** One that nobody reads would, too. */
export const APPEND_FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK

/** What lies there only looks like a file, or is larger than it may be. */
export class OddFileError extends Error {
  override readonly name = 'OddFileError'
}

/**
 * Reads a file as a text, and nothing that only looks like one: no FIFO, folder or device but an empty one, as /dev/null
 * is, and none beyond a size, also while it grows. A link to a file is one: Kubernetes mounts secrets in this way.
 *
 * @throws OddFileError, or what open() says
 */
export async function readPlainFile(path: string, maxBytes: number): Promise<string> {
  const file = await open(path, FLAGS)
  try {
    const reading = new Reading(path, await file.stat(), maxBytes)
    for (;;) {
      const { bytesRead, buffer } = await file.read(reading.room(), 0)
      if (bytesRead === 0) return reading.text()
      reading.add(buffer.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}

/** The same; undefined when there is none. */
export async function readPlainFileIfThere(path: string, maxBytes: number): Promise<string | undefined> {
  try {
    return await readPlainFile(path, maxBytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The same at once. */
export function readPlainFileSync(path: string, maxBytes: number): string {
  const file = openSync(path, FLAGS)
  try {
    const reading = new Reading(path, fstatSync(file), maxBytes)
    for (;;) {
      const buffer = reading.room()
      const count = readSync(file, buffer)
      if (count === 0) return reading.text()
      reading.add(buffer.subarray(0, count))
    }
  } finally {
    closeSync(file)
  }
}

class Reading {
  readonly #path: string
  readonly #stats: Stats
  readonly #maxBytes: number
  readonly #chunks: Buffer[] = []
  #total = 0

  constructor(path: string, stats: Stats, maxBytes: number) {
    this.#path = path
    this.#stats = stats
    this.#maxBytes = maxBytes
    this.#refuse(stats.isFile() || stats.isCharacterDevice(), stats.size)
  }

  room(): Buffer {
    return Buffer.allocUnsafe(Math.max(this.#stats.size - this.#total, 0) + 1024)
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#total += chunk.length
    this.#refuse(this.#stats.isFile(), this.#total)
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8')
  }

  #refuse(isFile: boolean, bytes: number): void {
    if (!isFile) throw new OddFileError(`${this.#path} is no regular file`)
    if (bytes > this.#maxBytes) throw new OddFileError(`${this.#path} has more than ${this.#maxBytes} bytes`)
  }
}
