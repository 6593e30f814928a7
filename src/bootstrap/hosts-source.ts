import { join } from 'node:path'
import { completeSnapshot } from './complete-snapshot.ts'
import { HostsFile } from '../render/hosts-file.ts'
import type { Config } from '../load-config.ts'
import { backendsOf, hostsOf } from '../model/snapshot.ts'
import type { Logger } from '../platform/logger.ts'
import type { Registry } from '../registry/registry.ts'

/** Backends as this process knows them: its own registry's, or those that another master sent last. */
export function createInventory({ dataFolder, app }: Config, registry: Registry | undefined, logger: Logger) {
  if (registry !== undefined) {
    return {
      inventory: {
        hosts: () => hostsOf(completeSnapshot(registry), app),
        pods: () => new Map(Array.from(backendsOf(registry.snapshot(), app), ([name, { pods }]) => [name, pods]))
      },
      keepHosts: async () => {}
    }
  }
  const file = new HostsFile(join(dataFolder, 'hosts.json'), logger)
  return {
    inventory: { hosts: () => file.hosts(), pods: () => new Map() },
    keepHosts: (json: string) => file.keep(json)
  }
}
