import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { partsOf, tellOfAll } from './observers.ts'
import { createAccess, createCredentials } from './access.ts'
import { migrateDataFolder } from './data-format.ts'
import { createDns, createKeepaliveLoop, createPort, replaceAnnotations } from './edges.ts'
import { createCallback, createController, createKeepaliveSink, createRegistry } from './master.ts'
import { createProxy, type Proxy } from './proxy.ts'
import { checkStateFiles } from './state-files.ts'
import { startService, type Service, type ServiceDeps } from './service.ts'
import type { Credentials } from '../access/credentials.ts'
import type { Config } from '../config.ts'
import type { Controller } from '../controller/controller.ts'
import { readinessFindings, readinessProblems } from '../controller/readiness.ts'
import { Retry } from '../controller/retry.ts'
import { externalAddresses, parseExposeInput } from '../dns/records/addresses.ts'
import type { DnsExposer } from '../dns/dns-exposer.ts'
import { ShownTexts } from '../haproxy/config/masked.ts'
import type { Configuration } from '../haproxy/known.ts'
import { haproxyPaths } from '../haproxy/files/paths.ts'
import { exchange } from '../haproxy/socket/exchange.ts'
import type { Problem } from '../errors.ts'
import { configRoutes } from '../http/routes/config.ts'
import { haproxyRoutes } from '../http/routes/haproxy.ts'
import { lifecycleRoutes } from '../http/routes/lifecycle.ts'
import { masterRoutes } from '../http/routes/masters.ts'
import { podRoutes } from '../http/routes/pods.ts'
import { trafficRoutes } from '../http/routes/traffic.ts'
import { listen } from '../http/server.ts'
import { commandSink } from '../lifecycle/command-socket.ts'
import { toldProblems, type MasterWord } from '../model/master.ts'
import type { Pod } from '../model/pod.ts'
import { completeSnapshot } from '../model/snapshot.ts'
import { removeUnfinished } from '../platform/files/atomic-file.ts'
import type { Clock } from '../platform/clock.ts'
import type { Closers } from '../platform/closers.ts'
import { Listeners } from '../platform/listeners.ts'
import type { Logger } from '../platform/logger.ts'
import { programVersion } from '../platform/process/program-version.ts'
import type { Registry } from '../registry/registry.ts'
import { TemplateSource } from '../render/template-source.ts'
import type { KeepaliveLoop } from '../slave/keepalive-loop.ts'
import { SocketSink } from '../slave/script/socket-sink.ts'
import { leaveForGood, type LeaveDeps } from '../steps/leave.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { Statistics } from '../telemetry/statistics.ts'

/** Which of them there are follows from the configuration. */
interface Parts {
  credentials: Credentials
  registry: Registry | undefined
  slave: KeepaliveLoop | undefined
  templates: TemplateSource
  dns: DnsExposer
  leaving: LeaveDeps
  statistics: Statistics | undefined
  proxy: Proxy | undefined
  controller: Controller | undefined
  app: FastifyInstance
}

/** A master, a proxy, or both. */
export async function startControlTier(deps: ServiceDeps): Promise<Service> {
  return await startService(deps, async (closers) => {
    await checkStateFiles(deps.config.dataFolder, deps.logger)
    const parts = await createParts(deps)
    const { slave, dns, templates, statistics, leaving, proxy } = parts
    const port = await startParts(deps, parts, closers)
    return {
      port,
      replaceAnnotations(annotations) {
        replaceAnnotations({ dns, slave }, annotations, deps.logger)
        templates.replaceAnnotations(annotations)
        statistics?.replaceAnnotations(annotations).catch((err: unknown) => {
          deps.logger.error({ err }, 'statistics not sent as the edited annotation says')
        })
      },
      leave: async ({ haproxy, forGood }) => {
        if (forGood) await leaveForGood(leaving, new AbortController().signal)
        await slave?.leave()
        if (proxy !== undefined && (haproxy === 'stop' || endsWithUs(proxy))) await proxy.automaton.stop()
      }
    }
  })
}

async function createParts(deps: ServiceDeps): Promise<Parts> {
  const { config, clock, logger } = deps
  const credentials = createCredentials(config, logger)
  const alarms = new Listeners<Problem>('alarm', logger)
  const word = (): MasterWord => ({
    ...{ id: config.id, ip: config.ip, version: programVersion },
    config: proxy?.driver.running()?.textDigest ?? null,
    problems: toldProblems(problems().map(({ code }) => code))
  })
  const registry = config.isMaster ? await createRegistry(deps, (problem) => alarms.emit(problem), word) : undefined
  const slave = createKeepaliveLoop(deps, credentials)
  const templates = new TemplateSource({ file: config.configFile, annotations: config.annotations })
  const dns = createDns(deps, {
    isLeader: () => registry?.leading ?? true,
    completeInMs: () => registry?.completeInMs ?? 0
  })
  const leaving: LeaveDeps = {
    sayGoodbye: async () => slave?.leave(),
    dns,
    isExposed: config.eip !== undefined,
    others: () => externalAddresses(proxiesOf(registry, config).filter(({ ip }) => ip !== config.ip)),
    logger
  }
  const metrics: Metrics = new Metrics({
    pods: () => ({ live: registry?.size ?? 0, held: registry?.held ?? 0 }),
    atRest: () => proxy === undefined || proxy.automaton.atRest,
    problems: () => problems().length,
    unusableBackends: () => proxy?.driver.unusableBackends().length ?? 0,
    skippedValues: () => registry?.skippedValues ?? 0,
    leftOutPods: () => proxy?.leftOut.count ?? 0
  })
  const statistics = config.needsAutomaton ? new Statistics({ ...deps, haproxy: statsOf(config), metrics }) : undefined
  const proxy = config.needsAutomaton
    ? await createProxy({
        ...deps,
        registry,
        templates,
        dns: {
          addresses: () => externalAddresses(proxiesOf(registry, config)),
          parse: parseExposeInput,
          expose: (addresses, signal, how) => dns.expose(addresses, signal, how)
        },
        prepareStatistics: async () => statistics?.prepare(),
        leave: (signal) => leaveForGood(leaving, signal)
      })
    : undefined
  const findings = () => readinessFindings({ registry, proxy })
  const problems = () => [
    ...readinessProblems({ registry, proxy }),
    ...(config.backendsDecideReadiness ? findings() : [])
  ]
  const events = tellOfAll({ ...deps, alarms, registry, proxy, dns, metrics })
  const callback = registry && createCallback(deps, registry)
  const controller = registry && createController({ ...deps, registry, callback, proxy, dns })
  metrics.watchParts(partsOf({ config, registry, slave, dns, proxy, callback }))
  const access = createAccess({ config, credentials, registry, manifest: proxy?.facts })
  const app = await createPort({
    ...deps,
    access,
    ...{ dns, events, metrics, problems },
    findings: () => (config.backendsDecideReadiness ? [] : findings()),
    uses: () => registry?.uses ?? [],
    keepalives: registry && createKeepaliveSink({ registry, metrics, access, config, logger }),
    commands: proxy === undefined ? new SocketSink(config.socket) : commandSink(proxy.automaton, logger),
    routes: async (scope) => await operatorRoutes(scope, { registry, proxy, ownApp: config.app, word, clock })
  })
  return { credentials, registry, slave, templates, dns, leaving, statistics, proxy, controller, app }
}

/** Those that others rely on first. */
async function startParts(deps: ServiceDeps, parts: Parts, closers: Closers): Promise<number> {
  const { config, clock, logger } = deps
  const { credentials, registry, proxy, dns, templates, controller, app, slave, statistics } = parts
  closers.add('credentials', credentials.watch())
  if (proxy !== undefined) {
    closers.add('haproxy driver', () => proxy.driver.close())
    closers.add('history', () => proxy.history.close())
    closers.add('renderings', () => proxy.renderings.close())
  }
  await migrateDataFolder(config.dataFolder, logger)
  if (registry !== undefined) {
    closers.add('registry', () => registry.close())
    await registry.open(deps.signal)
  }
  if (proxy !== undefined) {
    closers.add('command socket', () => proxy.socket.close())
    await proxy.socket.listen()
    closers.add('traffic', () => proxy.traffic.stop())
    proxy.traffic.start()
  }
  closers.add('control tier', () => app.close())
  const { port } = await listen(app, config.port)
  logger.info({ port, app: config.app, id: config.id, modes: config.modes }, 'control tier open')
  // Not before: a second process on the same folder has failed by now.
  await tidy(config.dataFolder, logger)

  closers.add('dns', () => dns.stop())
  // A proxy without a registry does not know the others: it writes what a master commands, and nothing by itself.
  if (registry !== undefined) dns.start()
  proxy?.automaton.start()
  // A proxy without a registry renders what its master sends: an edited template counts with the next command, and nothing is tried again.
  if (controller !== undefined) {
    closers.add('controller', () => controller.stop())
    controller.start()
    const retry = new Retry({ clock, again: (cause) => controller.templateChanged(cause) })
    closers.add('retry', () => retry.stop())
    proxy?.reconfigurations.subscribe((reconfiguration) => retry.ended(reconfiguration))
    templates.watch(clock, (cause) => controller.templateChanged(cause))
  }
  closers.add('template', () => templates.close())
  closers.add('statistics', () => statistics?.stop())
  statistics?.start()
  slave?.start()
  return port
}

/** What a process that was killed has left half-written is in nobody's way: where it stays, that is no reason to end. */
async function tidy(dataFolder: string, logger: Logger): Promise<void> {
  for (const folder of [dataFolder, haproxyPaths(dataFolder).folder]) {
    await removeUnfinished(folder).catch((err: unknown) => {
      logger.warn({ err, folder }, 'half-written files not removed')
    })
  }
}

const proxiesOf = (registry: Registry | undefined, { app }: Config): readonly Pod[] =>
  registry === undefined ? [] : (completeSnapshot(registry).apps.get(app)?.pods ?? [])

/** What another image's manifest runs lives and dies with its automaton; HAProxy does not, unless it is stopping already. */
const endsWithUs = ({ automaton, drivesHaproxy }: Proxy): boolean => !drivesHaproxy || automaton.atEnd

interface OperatorParts extends Pick<Parts, 'registry' | 'proxy'> {
  ownApp: string
  word: () => MasterWord
  clock: Clock
}

/** What only a master or a proxy can tell; their parameters are checked by TypeBox. */
async function operatorRoutes(
  app: FastifyInstance,
  { registry, proxy, ownApp, word, clock }: OperatorParts
): Promise<void> {
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  if (registry !== undefined) {
    await app.register(podRoutes, { registry, ownApp })
    const own = () => ({ ...word(), self: true, leading: registry.leading, heardAt: clock.now() })
    const others = () => registry.otherMasters.map((master) => ({ ...master, self: false }))
    await app.register(masterRoutes, { masters: () => [own(), ...others()] })
  }
  if (proxy === undefined) return
  const { automaton, driver, reconfigurations, traffic } = proxy
  const texts = new ShownTexts()
  const shown = async (configuration: Configuration | undefined) =>
    configuration && { digest: configuration.digest, text: await texts.of(configuration) }
  await app.register(lifecycleRoutes, { lifecycle: automaton })
  await app.register(haproxyRoutes, {
    status: () => driver.status(),
    setServerState: (change) => driver.setServerState(change)
  })
  await app.register(trafficRoutes, { traffic: (after) => traffic.since(after) })
  await app.register(configRoutes, {
    running: async () => await shown(driver.running()),
    candidate: async () => await shown(driver.candidate()),
    reconfigurations: () => reconfigurations.entries()
  })
}

function statsOf({ dataFolder }: Config) {
  const socket = haproxyPaths(dataFolder).runtimeSocket
  return { socket, ask: (command: string) => exchange(socket, command) }
}
