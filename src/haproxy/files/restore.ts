import type { Logger } from '../../platform/logger.ts'
import type { ConfigFile } from './config-file.ts'

/** The last good text, put in place; with a disk that takes nothing, what lies there: HAProxy starts all the same. */
export async function restore(file: ConfigFile, logger: Logger): Promise<string> {
  try {
    return await file.restore()
  } catch (err) {
    const text = await file.installed()
    if (text === undefined) throw err
    logger.error({ err }, 'last good configuration not put in place')
    return text
  }
}
