import { join } from 'node:path'
import { KontrolError } from '../errors.ts'
import { writeFileAtomic } from '../platform/files/atomic-file.ts'
import { readPlainFile, SMALL_FILE_BYTES } from '../platform/files/plain-file.ts'
import type { Logger } from '../platform/logger.ts'

/**
 * What leads from each format of the data folder to the next one. The number of these is the format of this program:
 * it becomes one more whenever an older program would misread what a newer one has written.
 */
const MIGRATIONS: readonly ((folder: string) => Promise<void>)[] = [
  // Before 1 there was no mark; the files are the same.
  async () => {}
]

const markOf = (folder: string): string => join(folder, 'format.json')

/**
 * Brings the data folder to the format of this program, one step after the other, each marked when it is done.
 *
 * @throws KontrolError KTL_DATA_NEWER when a newer program has written it: nothing is touched then
 */
export async function migrateDataFolder(folder: string, logger: Logger, migrations = MIGRATIONS): Promise<void> {
  const found = await formatOf(folder)
  if (found > migrations.length) {
    throw new KontrolError(
      'KTL_DATA_NEWER',
      `The data folder ${folder} has format ${found}, written by a newer program; this one knows ${migrations.length}`,
      {
        hint: 'Run the newer program, or move registry/ and format.json out of the folder: pods report again by themselves.'
      }
    )
  }
  for (const [index, migrate] of migrations.entries()) {
    if (index < found) continue
    await migrate(folder)
    await writeFileAtomic(markOf(folder), `${JSON.stringify({ format: index + 1 })}\n`)
    if (index > 0) logger.info({ folder, from: index, to: index + 1 }, 'data folder migrated')
  }
}

/** A mark that cannot be read says nothing: what lies there is checked as it is read. */
async function formatOf(folder: string): Promise<number> {
  try {
    const { format } = JSON.parse(await readPlainFile(markOf(folder), SMALL_FILE_BYTES)) as { format?: unknown }
    return typeof format === 'number' && Number.isInteger(format) && format >= 0 ? format : 0
  } catch {
    return 0
  }
}
