import { join } from 'node:path'
import type { Proxy } from './proxy.ts'
import type { ServiceDeps } from './service.ts'
import { verifyKeepalive } from './verify-keepalive.ts'
import type { Access } from '../access/access.ts'
import { peerOf, type Caller } from '../access/caller.ts'
import type { Config } from '../config.ts'
import { findKontrolError, type Problem } from '../errors.ts'
import type { Logger } from '../platform/logger.ts'
import { BuiltInState } from '../controller/built-in-state.ts'
import { CallbackRunner } from '../controller/callback.ts'
import { Controller } from '../controller/controller.ts'
import { externalAddresses } from '../dns/records/addresses.ts'
import type { DnsExposer } from '../dns/dns-exposer.ts'
import { hadServers } from '../haproxy/files/had-servers.ts'
import { haproxyPaths } from '../haproxy/files/paths.ts'
import type { KeepaliveSink } from '../http/routes/kontrol.ts'
import { parseKeepalive, type Keepalive } from '../model/keepalive.ts'
import { limits } from '../model/limits.ts'
import type { MasterWord } from '../model/master.ts'
import { EtcdStore } from '../registry/etcd/store.ts'
import { LmdbStore } from '../registry/lmdb-store.ts'
import { Registry } from '../registry/registry.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** The registry of a master, on the store that the configuration asks for. */
export async function createRegistry(
  { config, clock, logger, haproxy }: ServiceDeps,
  onAlarm: (problem: Problem) => void,
  word: () => MasterWord
): Promise<Registry> {
  const { dataFolder, etcd, namespace, app, id } = config
  const ttlMs = config.ttlSeconds * 1000
  const access = {
    user: config.etcdUser,
    passwordFile: config.etcdPasswordFile,
    ca: config.etcdCa,
    cert: config.etcdCert,
    key: config.etcdKey
  }
  const shared = { namespace, app, id, ttlMs, foverMs: config.foverSeconds * 1000, word, clock, logger }
  return new Registry({
    store:
      etcd.length === 0
        ? new LmdbStore(join(dataFolder, 'registry'), logger, onAlarm)
        : new EtcdStore({ hosts: etcd, access, maxListedBytes: listedBytes(config.payloadBytes), ...shared }),
    clock,
    logger,
    ttlMs,
    panicThreshold: config.panicThreshold,
    limits: {
      pods: limits.pods,
      podsPerApp: config.podsPerApp,
      podsPerPeer: config.podsPerPeer,
      payloadBytes: config.payloadBytes
    },
    expectsPods: haproxy?.hadServers ?? (await hadServers(haproxyPaths(dataFolder)))
  })
}

/** What etcd may hold of this app: payloads in base64 with room to spare, and all else of as many pods as there may be. */
const listedBytes = (payloadBytes: number): number => 3 * payloadBytes + 192 * 1024 * 1024

/** Pods whose bad payload was logged already: it comes again with each keepalive. */
const MAX_TOLD = 1_000

export interface KeepaliveSinkDeps {
  registry: Registry
  metrics: Metrics
  access: Access
  config: Config
  logger: Logger
}

/** Where keepalives go, whichever protocol brought them. */
export function createKeepaliveSink(deps: KeepaliveSinkDeps): KeepaliveSink {
  const { registry, metrics, access, config, logger } = deps
  const builtIn = new BuiltInState({ registry, ownApp: config.app })
  const told = new Map<string, string>()
  const tell = ({ key, app, id }: Keepalive, reason: string): void => {
    if (told.get(key) === reason) return
    if (told.size >= MAX_TOLD) told.clear()
    told.set(key, reason)
    logger.warn({ app, id, key, reason }, 'payload not kept, the pod is taken without it')
  }
  /**
   * A keepalive whose key a pod of another app has would take that pod's place, which takes the right to ping for that app
   * as well. Who lacks it is kept beside that pod where both have one address, as on a host's network, and else refused.
   */
  const refuseOrShareKey = (keepalive: Keepalive, caller: Caller): void => {
    const displaced = registry.displacedBy(keepalive)
    if (displaced === undefined) return
    try {
      access.check({ kind: 'ping', app: displaced.app }, caller)
    } catch (error) {
      if (displaced.ip !== keepalive.ip) throw error
      if (keepalive.down !== true) registry.share(keepalive)
    }
  }
  return {
    take(body, caller, onBadPayload) {
      let problem: string | undefined
      const keepalive = parseKeepalive(body, (reason) => (problem = reason))
      const onRefused = (reason: string): void => {
        tell(keepalive, reason)
        onBadPayload?.(reason)
      }
      access.check({ kind: 'ping', app: keepalive.app }, caller)
      verifyKeepalive(keepalive, caller, config)
      refuseOrShareKey(keepalive, caller)
      if (problem !== undefined) onRefused(problem)
      const admitted = registry.keepalive(keepalive, { peer: peerOf(caller), onRefused })
      if (admitted === undefined) return metrics.keepalive()
      return admitted.then(() => metrics.keepalive())
    },
    refused: (error) => metrics.keepaliveRefused(findKontrolError(error)?.code ?? 'KTL_UNEXPECTED'),
    callbackState: () => (config.callback === undefined ? builtIn.text() : registry.callbackState())
  }
}

interface ControllerParts extends ServiceDeps {
  registry: Registry
  callback: CallbackRunner | undefined
  proxy: Proxy | undefined
  dns: DnsExposer
}

/** The user's own callback; undefined where there is none. */
export function createCallback(
  { config, children, clock, logger }: ServiceDeps,
  registry: Registry
): CallbackRunner | undefined {
  if (config.callback === undefined) return undefined
  return new CallbackRunner({
    command: config.callback,
    shell: config.shellCallback ? config.shell : undefined,
    timeoutMs: config.callbackTimeoutSeconds * 1000,
    env: children,
    folder: config.dataFolder,
    registry,
    clock,
    logger
  })
}

/** What a master does about a change: the automaton, the user's own callback, the DNS record. */
export function createController({
  config,
  clock,
  logger,
  registry,
  callback,
  proxy,
  dns
}: ControllerParts): Controller {
  return new Controller({
    registry,
    lifecycle: proxy?.drivesHaproxy === true ? proxy.requests : undefined,
    callback,
    dns: { want: (pods) => dns.want(externalAddresses(pods)) },
    noteCause: (cause, place) => proxy?.reconfigurations.noteCause(cause, place),
    ownApp: config.app,
    damperMs: config.damperSeconds * 1000,
    clock,
    logger
  })
}
