import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/** More than any secret or certificate has. */
export const SMALL_FILE_BYTES = 1024 * 1024
/** A FIFO that nobody writes to would hold up an ordinary open() for good, and with it the program. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * Reads a file as a text, and nothing that only looks like one: no FIFO, folder or device but an empty one, as /dev/null
 * is, and none beyond a size, also while it grows.
 */
export function readPlainFileSync(path: string, maxBytes: number): string {
  const file = openSync(path, FLAGS)
  try {
    const stats = fstatSync(file)
    refuse(path, stats.isFile() || stats.isCharacterDevice(), stats.size, maxBytes)
    const chunks: Buffer[] = []
    for (let total = 0; ;) {
      const chunk = Buffer.allocUnsafe(Math.max(stats.size - total, 0) + 1024)
      const count = readSync(file, chunk)
      if (count === 0) return Buffer.concat(chunks).toString('utf8')
      chunks.push(chunk.subarray(0, count))
      refuse(path, stats.isFile(), (total += count), maxBytes)
    }
  } finally {
    closeSync(file)
  }
}

function refuse(path: string, isFile: boolean, bytes: number, maxBytes: number): void {
  if (!isFile) throw new Error(`${path} is no regular file`)
  if (bytes > maxBytes) throw new Error(`${path} has more than ${maxBytes} bytes`)
}
