import { StringDecoder } from 'node:string_decoder'
import type { Logger } from '../platform/logger.ts'

/** A longer line is logged in pieces, so that output without line breaks cannot fill the memory. */
const MAX_LINE_LENGTH = 4096

/** Reads a stream to its end, whatever it holds, and logs its lines at debug. */
export function logLines(stream: NodeJS.ReadableStream | null, logger: Logger, name: 'stdout' | 'stderr'): void {
  // Without file descriptors left, a child has no streams at all.
  if (!stream) return
  if (!logger.isLevelEnabled('debug')) {
    stream.resume()
    return
  }
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const log = (line: string): void => logger.debug({ stream: name, line }, 'step output')
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    lines.flatMap(pieces).forEach(log)
    if (rest.length > MAX_LINE_LENGTH) {
      const [full, last = ''] = [pieces(rest).slice(0, -1), pieces(rest).at(-1)]
      full.forEach(log)
      rest = last
    }
  })
  stream.on('end', () => {
    rest += decoder.end()
    if (rest !== '') pieces(rest).forEach(log)
  })
}

function pieces(line: string): string[] {
  const count = Math.max(1, Math.ceil(line.length / MAX_LINE_LENGTH))
  return Array.from({ length: count }, (_, n) => line.slice(n * MAX_LINE_LENGTH, (n + 1) * MAX_LINE_LENGTH))
}
