import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BuiltInState } from '../controller/built-in-state.ts'
import { ConfigReader } from '../haproxy/config/model.ts'
import { changesServers } from '../haproxy/servers/change-journal.ts'
import { haproxyPaths, type HaproxyPaths } from '../haproxy/files/paths.ts'
import type { KeepaliveSink } from '../http/routes/kontrol.ts'
import type { Config } from '../config.ts'
import { parseKeepalive } from '../model/keepalive.ts'
import { limits } from '../model/limits.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { EtcdStore } from '../registry/etcd/store.ts'
import { LmdbStore } from '../registry/lmdb-store.ts'
import { Registry } from '../registry/registry.ts'
import type { Store } from '../registry/store.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** The registry of a master, on the store that the configuration asks for. */
export function createRegistry(config: Config, clock: Clock, logger: Logger): Registry {
  return new Registry({
    store: createStore(config, clock, logger),
    clock,
    logger,
    ttlMs: config.ttlSeconds * 1000,
    panicThreshold: config.panicThreshold,
    maxPods: limits.pods,
    expectsPods: hadServers(haproxyPaths(config.dataFolder))
  })
}

/** Whether an earlier run left HAProxy with servers: in its files, or as changes that these do not have yet. */
function hadServers({ config, lastGood, loaded, journal }: HaproxyPaths): boolean {
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

/** Where keepalives go, whichever protocol brought them. */
export function createKeepaliveSink(registry: Registry, metrics: Metrics, config: Config): KeepaliveSink {
  const builtIn = new BuiltInState({ registry, ownApp: config.app })
  return {
    take(body) {
      const keepalive = parseKeepalive(body)
      metrics.keepalive()
      return registry.keepalive(keepalive)
    },
    callbackState: () => (config.callback === undefined ? builtIn.text() : registry.callbackState())
  }
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
