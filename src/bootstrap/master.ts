import { join } from 'node:path'
import type { Config } from '../load-config.ts'
import { limits } from '../model/keepalive.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { LmdbStore } from '../registry/lmdb-store.ts'
import { Registry } from '../registry/registry.ts'
import type { Store } from '../registry/store.ts'

/** The registry of a master, on the store that the configuration asks for. */
export function createRegistry(config: Config, clock: Clock, logger: Logger): Registry {
  return new Registry({
    store: createStore(config),
    clock,
    logger,
    ttlMs: config.ttlSeconds * 1000,
    panicThreshold: config.panicThreshold,
    maxPods: limits.pods
  })
}

function createStore(config: Config): Store {
  return new LmdbStore(join(config.dataFolder, 'registry'))
}
