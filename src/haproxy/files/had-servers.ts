import { readPlainFileIfThere, STATE_FILE_BYTES } from '../../platform/files/plain-file.ts'
import { ConfigReader } from '../config/model.ts'
import { changesServers } from '../servers/change-journal.ts'
import type { HaproxyPaths } from './paths.ts'

/** Whether an earlier run left HAProxy with servers: in its files, or as changes that these do not have yet. */
export async function hadServers({ config, lastGood, loaded, journal }: HaproxyPaths): Promise<boolean> {
  for (const path of [config, lastGood, loaded]) if (await namesServers(await textOf(path))) return true
  return changesServers(await textOf(journal))
}

async function namesServers(configuration: string): Promise<boolean> {
  const { pools } = await new ConfigReader().read(configuration)
  return [...pools.values()].some(({ servers }) => servers.length > 0)
}

const textOf = async (path: string): Promise<string> => (await readPlainFileIfThere(path, STATE_FILE_BYTES)) ?? ''
