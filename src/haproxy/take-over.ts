import type { Logger } from '../platform/logger.ts'
import type { ConfigReader } from './config/model.ts'
import type { ConfigFile } from './files/config-file.ts'
import { readWorkerRecord } from './files/worker-record.ts'
import type { Configuration, Known } from './known.ts'
import type { WorkerPids } from './process/reload.ts'
import type { Servers } from './servers/servers.ts'

export interface TakeOverParts {
  known: Known
  file: ConfigFile
  servers: Servers
  reader: ConfigReader
  paths: { workerRecord: string }
  logger: Logger
}

/** The worker is of an earlier run of this program, and may have been changed since it loaded its file. */
export async function takeOver(parts: TakeOverParts, lastGood: Configuration, pids: WorkerPids): Promise<void> {
  const { file, known, paths, servers, reader, logger } = parts
  known.running = known.kept = undefined
  const loaded = known.configurationOf((await file.loaded()) ?? '')
  const record = await readWorkerRecord(paths.workerRecord)
  const recorded = record?.workerPid === pids.workerPid && record.digest === loaded.digest
  const changes = recorded ? await servers.takeOver(pids.workerPid, await reader.read(loaded.text)) : undefined
  if (changes === undefined) {
    servers.forget()
    logger.warn(pids, 'what haproxy runs is not known, the next configuration reloads it')
    return
  }
  const texts = changes === 0 ? [loaded, lastGood] : [lastGood]
  for (const configuration of texts) {
    if (servers.plan(await reader.read(configuration.text)).kind !== 'none') continue
    known.running = configuration
    break
  }
  if (known.running === lastGood) known.kept = lastGood
  logger.info({ ...pids, changes }, 'haproxy taken up as it was left')
}
