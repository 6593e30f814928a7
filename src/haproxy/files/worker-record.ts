import { createHash } from 'node:crypto'
import { writeFileAtomic } from '../../platform/files/atomic-file.ts'
import { readPlainFile, SMALL_FILE_BYTES } from '../../platform/files/plain-file.ts'

/** Which worker was proven to run which files. A control tier that was killed trusts it only if that worker still serves. */
export interface WorkerRecord {
  masterPid: number
  workerPid: number
  digest: string
}

/** SHA-256 of what HAProxy loads, in hex. */
export function digestOf(base: string, text: string): string {
  return createHash('sha256').update(base).update('\0').update(text).digest('hex')
}

export async function writeWorkerRecord(path: string, record: WorkerRecord): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(record)}\n`)
}

/** Undefined when there is none, or none of use. */
export async function readWorkerRecord(path: string): Promise<WorkerRecord | undefined> {
  try {
    return JSON.parse(await readPlainFile(path, SMALL_FILE_BYTES)) as WorkerRecord
  } catch {
    // Not knowing costs one reload, which is what the caller does then.
    return undefined
  }
}
