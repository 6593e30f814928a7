import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** When a certificate in PEM ends, in milliseconds since the epoch; of a chain, its first. Undefined when it cannot be read. */
export function certificateEnd(path: string): number | undefined {
  try {
    return new Date(new X509Certificate(readFileSync(path)).validTo).getTime()
  } catch {
    return undefined
  }
}
