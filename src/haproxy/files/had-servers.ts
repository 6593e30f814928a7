import { existsSync, readFileSync } from 'node:fs'
import { ConfigReader } from '../config/model.ts'
import { changesServers } from '../servers/change-journal.ts'
import type { HaproxyPaths } from './paths.ts'

/** Whether an earlier run left HAProxy with servers: in its files, or as changes that these do not have yet. */
export function hadServers({ config, lastGood, loaded, journal }: HaproxyPaths): boolean {
  return [config, lastGood, loaded].some((path) => namesServers(textOf(path))) || changesServers(textOf(journal))
}

function namesServers(configuration: string): boolean {
  const { pools } = new ConfigReader().read(configuration)
  return [...pools.values()].some(({ servers }) => servers.length > 0)
}

/** Empty when there is no such file. */
function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
