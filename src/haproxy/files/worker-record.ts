import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { writeFileAtomic } from '../../platform/atomic-file.ts'

/** Which worker was proven to run which files. A control tier that was killed trusts it only if that worker still serves. */
export interface AppliedMarker {
  masterPid: number
  workerPid: number
  digest: string
}

/** SHA-256 of what HAProxy loads, in hex. */
export function digestOf(base: string, text: string): string {
  return createHash('sha256').update(base).update('\0').update(text).digest('hex')
}

export async function writeMarker(path: string, marker: AppliedMarker): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(marker)}\n`)
}

/** Undefined when there is none, or none of use. */
export async function readMarker(path: string): Promise<AppliedMarker | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as AppliedMarker
  } catch {
    // Not knowing costs one reload, which is what the caller does then.
    return undefined
  }
}
