import { join } from 'node:path'
import { haproxyPaths } from '../haproxy/files/paths.ts'
import { setOddFilesAside } from '../platform/files/odd-files.ts'
import type { Logger } from '../platform/logger.ts'

/** Whatever lies in the place of a file that an earlier run has written, the program starts. */
export async function checkStateFiles(dataFolder: string, logger: Logger): Promise<void> {
  const { base, peers, config, candidate, candidateBase, lastGood, workerRecord, loaded, journal, serverState } =
    haproxyPaths(dataFolder)
  const kept = ['history.jsonl', 'events.jsonl'].flatMap((name) => [name, `${name}.1`])
  const own = ['format.json', 'hosts.json', ...kept].map((name) => join(dataFolder, name))
  const shared = [base, peers, config, candidate, candidateBase, lastGood, workerRecord, loaded, journal, serverState]
  await setOddFilesAside([...own, ...shared], logger)
}
