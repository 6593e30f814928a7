import { readFileSync } from 'node:fs'
import { parseHosts } from '../model/hosts-json.ts'
import type { Pod } from '../model/pod.ts'
import type { Hosts } from '../model/snapshot.ts'
import { writeFileAtomic } from '../platform/files/atomic-file.ts'
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

function readHosts(path: string, logger: Logger): Hosts {
  let json: string
  try {
    json = readFileSync(path, 'utf8')
  } catch {
    // None were sent yet.
    return new Map()
  }
  try {
    return parseHosts(json)
  } catch (error) {
    logger.error({ err: error, path }, 'last known hosts cannot be read: beginning with none')
    return new Map()
  }
}
