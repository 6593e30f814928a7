import { parseHosts } from '../model/json/hosts.ts'
import type { Pod } from '../model/pod.ts'
import type { Hosts } from '../model/snapshot.ts'
import { writeFileAtomic } from '../platform/files/atomic-file.ts'
import { readPlainFileSync, STATE_FILE_BYTES } from '../platform/files/plain-file.ts'
import type { Logger } from '../platform/logger.ts'
import type { HostsSource } from './hosts-source.ts'

/**
 * The hosts that another master sent last. A proxy without a registry of its
 * own begins with them after a restart, and not with none.
 */
export class HostsFile implements HostsSource {
  readonly #path: string
  #hosts: Hosts

  constructor(path: string, logger: Logger) {
    this.#path = path
    this.#hosts = readHosts(path, logger)
  }

  hosts(): Hosts {
    return this.#hosts
  }

  pods(): ReadonlyMap<string, readonly Pod[]> {
    return new Map()
  }

  async keep(json: string): Promise<void> {
    this.#hosts = parseHosts(json)
    await writeFileAtomic(this.#path, json)
  }
}

const UNREADABLE = 'last known hosts cannot be read: beginning with none'

function readHosts(path: string, logger: Logger): Hosts {
  let json: string
  try {
    json = readPlainFileSync(path, STATE_FILE_BYTES)
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code !== 'ENOENT'
    if (isThere) logger.error({ err: error, path }, UNREADABLE)
    return new Map()
  }
  try {
    return parseHosts(json)
  } catch (error) {
    logger.error({ err: error, path }, UNREADABLE)
    return new Map()
  }
}
