import { X509Certificate } from 'node:crypto'
import { readPlainFileSync, SMALL_FILE_BYTES } from './files/plain-file.ts'

/** When a certificate in PEM ends, in milliseconds since the epoch; of a chain, its first. Undefined when it cannot be read. */
export function certificateEnd(path: string): number | undefined {
  try {
    return new Date(new X509Certificate(readPlainFileSync(path, SMALL_FILE_BYTES)).validTo).getTime()
  } catch {
    return undefined
  }
}
