import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adviceOn, refuseKeywords } from './lint.ts'
import { ConfigFile } from '../files/config-file.ts'
import { ConfigReader } from './model.ts'
import { haproxyPaths } from '../files/paths.ts'

/**
 * Lets HAProxy judge a configuration as it would be judged before a reload,
 * without touching anything that runs.
 *
 * @returns sentences about weak spots that HAProxy lets pass
 * @throws KontrolError KTL_HAPROXY_CONFIG_REJECTED
 */
export async function checkOffline(text: string, binary: string): Promise<readonly string[]> {
  const model = await new ConfigReader().read(text)
  refuseKeywords(model)
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-check-'))
  try {
    const paths = haproxyPaths(folder)
    await new ConfigFile(paths, binary).check(text)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return adviceOn(model)
}
