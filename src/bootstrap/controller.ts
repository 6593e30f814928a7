import type { Proxy } from './proxy.ts'
import { CallbackRunner } from '../controller/callback.ts'
import { Controller, type Renderable } from '../controller/controller.ts'
import { externalAddresses } from '../dns/addresses.ts'
import type { DnsExposer } from '../dns/dns-exposer.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Registry } from '../registry/registry.ts'

export interface ControllerDeps {
  config: Config
  env: NodeJS.ProcessEnv
  clock: Clock
  logger: Logger
  registry: Registry
  proxy: Proxy | undefined
  dns: DnsExposer
}

/** What a master does about a change: the automaton, the user's own callback, the DNS record. */
export function createController(deps: ControllerDeps): Controller {
  const { config, clock, logger, registry, proxy, dns } = deps
  return new Controller({
    registry,
    lifecycle: proxy?.drivesHaproxy === true ? renderable(proxy) : undefined,
    callback: createCallback(deps),
    dns: { want: (proxies) => dns.want(externalAddresses(proxies)) },
    noteCause: (cause) => proxy?.reconfigurations.noteCause(cause),
    ownApp: config.app,
    damperMs: config.damperSeconds * 1000,
    clock,
    logger
  })
}

function renderable({ automaton, rendersInProcess }: Proxy): Renderable {
  return {
    goto: (tag, input, options) => automaton.goto(tag, input, options),
    hostsAsInput: !rendersInProcess
  }
}

function createCallback({ config, env, clock, logger, registry }: ControllerDeps): CallbackRunner | undefined {
  if (config.callback === undefined) return undefined
  return new CallbackRunner({
    command: config.callback,
    shell: config.shellCallback,
    timeoutMs: config.callbackTimeoutSeconds * 1000,
    env,
    folder: config.dataFolder,
    state: { load: () => registry.callbackState(), save: (text) => registry.saveCallbackState(text) },
    clock,
    logger
  })
}
