import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KontrolError } from '../../errors.ts'
import { writeFileAtomic } from '../../platform/atomic-file.ts'
import { adviceOn, refusedKeywords } from './lint.ts'
import { baseConfig } from '../files/base-config.ts'
import { ConfigFile } from '../files/config-file.ts'
import { parseConfig } from './parser.ts'
import { haproxyPaths } from '../files/paths.ts'

/**
 * Lets HAProxy judge a configuration as it would be judged before a reload,
 * without touching anything that runs.
 *
 * @returns sentences about weak spots that HAProxy lets pass
 * @throws KontrolError KTL_HAPROXY_CONFIG_REJECTED
 */
export async function checkOffline(text: string, binary: string): Promise<readonly string[]> {
  const parsed = parseConfig(text)
  const refused = refusedKeywords(parsed)
  if (refused.length > 0) {
    throw new KontrolError('KTL_HAPROXY_CONFIG_REJECTED', `The configuration is refused: ${refused.join('; ')}`, {
      hint: 'Leave these lines out of the template.'
    })
  }
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-check-'))
  try {
    const paths = haproxyPaths(folder)
    await mkdir(paths.folder)
    await writeFileAtomic(paths.base, baseConfig(paths))
    await new ConfigFile(paths, binary).check(text)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return adviceOn(parsed)
}
