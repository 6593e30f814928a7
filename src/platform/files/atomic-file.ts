import { randomBytes } from 'node:crypto'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Replaces a file in one step: a reader, or a crash at any moment, finds the
 * old content or the new one and never a part of either.
 *
 * @param mode permissions of the new file, 0o644 unless told
 */
export async function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const folder = dirname(path)
  // In the same folder, as rename() does not cross file systems.
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}`)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(folder)
}

/** What `writeFileAtomic` calls a file that is not finished. */
const UNFINISHED = /^\..+\.[0-9a-f]{12}$/

/** Removes the files that a process that was killed had not finished, and none of this one. */
export async function removeUnfinished(folder: string, startedAt = performance.timeOrigin): Promise<void> {
  // One that is not there yet has none.
  const entries = await readdir(folder).catch(() => [])
  for (const name of entries.filter((entry) => UNFINISHED.test(entry))) {
    const path = join(folder, name)
    // One that was renamed meanwhile was finished.
    const changedAt = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Infinity
    )
    if (changedAt < startedAt) await rm(path, { force: true })
  }
}

/** Without this the rename itself may be lost with the power. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
