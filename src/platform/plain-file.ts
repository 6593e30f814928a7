import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'

const MIB = 1024 * 1024
/** More than any secret, certificate or thing that Kubernetes mounts has. */
export const SMALL_FILE_BYTES = MIB
/** More than any configuration, table of servers or list of hosts has; whoever knows better says so. */
const MOST_BYTES = 256 * MIB
/** A FIFO that nobody writes to would hold up an ordinary open() for good, and with it the program or one of its few threads. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * Reads a file as a text, and nothing that only looks like one: no FIFO, folder or device but an empty one, as /dev/null
 * is, and none beyond a size, also while it grows.
 */
export function readPlainFileSync(path: string, maxBytes = MOST_BYTES): string {
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

/** The same beside the event loop. */
export async function readPlainFile(path: string, maxBytes = MOST_BYTES): Promise<string> {
  await using file = await open(path, FLAGS)
  const stats = await file.stat()
  refuse(path, stats.isFile() || stats.isCharacterDevice(), stats.size, maxBytes)
  const chunks: Buffer[] = []
  for (let total = 0; ;) {
    const chunk = Buffer.allocUnsafe(Math.max(stats.size - total, 0) + 1024)
    const { bytesRead } = await file.read(chunk)
    if (bytesRead === 0) return Buffer.concat(chunks).toString('utf8')
    chunks.push(chunk.subarray(0, bytesRead))
    refuse(path, stats.isFile(), (total += bytesRead), maxBytes)
  }
}

function refuse(path: string, isFile: boolean, bytes: number, maxBytes: number): void {
  if (!isFile) throw new Error(`${path} is no regular file`)
  if (bytes > maxBytes) throw new Error(`${path} has more than ${maxBytes} bytes`)
}
