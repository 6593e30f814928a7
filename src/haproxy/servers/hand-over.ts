import { rm } from 'node:fs/promises'
import { writeFileAtomic } from '../../platform/atomic-file.ts'
import type { Logger } from '../../platform/logger.ts'
import type { ConfigModel } from '../config/model.ts'
import type { ServerState } from '../socket/show-servers-state.ts'
import { serverStateFile } from './server-state-file.ts'

/** What HAProxy begins with as health of its servers; not having it costs a server that is down a moment of traffic, and no more. */
export async function handOver(
  states: readonly ServerState[],
  model: Pick<ConfigModel, 'pools'>,
  { path, logger }: { path: string; logger: Logger }
): Promise<void> {
  try {
    await writeFileAtomic(path, serverStateFile(states, model))
  } catch (err) {
    logger.warn({ err }, 'health of the servers not handed over')
    // A state that is not of now would be worse than none.
    await rm(path, { force: true }).catch(() => {})
  }
}
