import { rename, rm, stat } from 'node:fs/promises'
import { messageOf } from '../../errors.ts'
import type { Logger } from '../logger.ts'
import { STATE_FILE_BYTES } from './plain-file.ts'

/**
 * Renames what is no file, or larger than any that we write, to `<path>.damaged`: not every reader of a path is ours to
 * change, HAProxy for example waits for the other end of a FIFO. A link to a file is one.
 */
export async function setOddFilesAside(paths: readonly string[], logger: Logger): Promise<void> {
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined)
    if (found === undefined || (found.isFile() && found.size <= STATE_FILE_BYTES)) continue
    const reason = found.isFile() ? `it has more than ${STATE_FILE_BYTES} bytes` : 'it is no regular file'
    const aside = `${path}.damaged`
    try {
      await rm(aside, { recursive: true, force: true })
      await rename(path, aside)
      logger.error({ path, aside, reason }, 'state file set aside')
    } catch (error) {
      logger.error({ path, reason, problem: messageOf(error) }, 'state file not set aside')
    }
  }
}
