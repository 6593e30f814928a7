import { join } from 'node:path'
import { HostsFile } from '../controller/hosts-file.ts'
import { KontrolError } from '../errors.ts'
import type { Config } from '../load-config.ts'
import { backendsOf, hostsOf } from '../model/snapshot.ts'
import type { Logger } from '../platform/logger.ts'
import type { Registry } from '../registry/registry.ts'

/** Backends as this process knows them: its own registry's, or those that another master sent last. */
export function createInventory({ dataFolder, app }: Config, registry: Registry | undefined, logger: Logger) {
  if (registry !== undefined) {
    return {
      inventory: {
        hosts: () => {
          if (registry.fillingUntil !== undefined) throw filling(registry.fillingUntil)
          return hostsOf(registry.snapshot(), app)
        },
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

function filling(until: number): KontrolError {
  return new KontrolError(
    'KTL_REGISTRY_FILLING',
    `The registry was lost: its pods have until ${new Date(until).toISOString()} to report`,
    { hint: 'Wait: HAProxy goes on with what it runs, and is configured then.' }
  )
}
