import { join } from 'node:path'
import type { Config } from '../load-config.ts'
import { limits } from '../model/keepalive.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { EtcdStore } from '../registry/etcd-store.ts'
import { LmdbStore } from '../registry/lmdb-store.ts'
import { Registry } from '../registry/registry.ts'
import type { Store } from '../registry/store.ts'

/** The registry of a master, on the store that the configuration asks for. */
export function createRegistry(config: Config, clock: Clock, logger: Logger): Registry {
  return new Registry({
    store: createStore(config, clock, logger),
    clock,
    logger,
    ttlMs: config.ttlSeconds * 1000,
    panicThreshold: config.panicThreshold,
    maxPods: limits.pods
  })
}

function createStore(config: Config, clock: Clock, logger: Logger): Store {
  if (config.etcd.length === 0) return new LmdbStore(join(config.dataFolder, 'registry'))
  return new EtcdStore({
    hosts: config.etcd,
    namespace: config.namespace,
    app: config.app,
    id: config.id,
    foverMs: config.foverSeconds * 1000,
    ttlMs: config.ttlSeconds * 1000,
    clock,
    logger
  })
}
