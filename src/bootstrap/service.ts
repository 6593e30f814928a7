import { accessSync, constants, mkdirSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { createDns, dnsSettings, leaveForGood, type Leaving } from './dns.ts'
import { createHttpServer, listen } from './http.ts'
import { createObservers } from './events-and-readiness.ts'
import type { Proxy } from './proxy.ts'
import { needsAutomaton } from './process-role.ts'
import { createKeepaliveLoop, createScripts } from './slave.ts'
import type { Statistics } from './statistics.ts'
import type { Controller } from '../controller/controller.ts'
import { completeSnapshot } from '../model/snapshot.ts'
import { TemplateSource } from '../render/template-source.ts'
import { Retry } from '../controller/retry.ts'
import { externalAddresses, parseExposeInput } from '../dns/addresses.ts'
import type { DnsExposer } from '../dns/dns-exposer.ts'
import { KontrolError, messageOf } from '../errors.ts'
import { mastersOf, type Config } from '../config.ts'
import type { Clock } from '../platform/clock.ts'
import { Closers } from '../platform/closers.ts'
import type { Logger } from '../platform/logger.ts'
import type { Registry } from '../registry/registry.ts'
import type { KeepaliveLoop } from '../slave/keepalive-loop.ts'

export interface ServiceDeps {
  config: Config
  env: NodeJS.ProcessEnv
  clock: Clock
  logger: Logger
  /** Asked for by POST /down: the process shall leave and end. */
  onLeave: () => void
}

export interface Service {
  /** Of the control tier, which may have been asked for any free one. */
  readonly port: number
  /** New annotations of the pod, edited while it runs. */
  replaceAnnotations(annotations: Readonly<Record<string, string>>): void
  /**
   * Says goodbye to the masters and closes the control tier. HAProxy runs on,
   * unless it is to stop as well; `forGood` leaves the DNS record before.
   */
  stop(options?: StopOptions): Promise<void>
}

interface StopOptions {
  haproxy?: 'keep' | 'stop'
  forGood?: boolean
}

/** The parts of one process; which there are follows from its mode. */
interface Parts {
  registry: Registry | undefined
  proxy: Proxy | undefined
  dns: DnsExposer
  leaving: Leaving
  templates: TemplateSource
  controller: Controller | undefined
  app: FastifyInstance
  slave: KeepaliveLoop | undefined
  statistics: Statistics | undefined
}

/**
 * Builds the program from its parts and starts them, those that others rely on first.
 *
 * @throws KontrolError naming what keeps it from starting; what was started has been closed again
 */
export async function startService(deps: ServiceDeps): Promise<Service> {
  const closers = new Closers(deps.logger)
  try {
    prepareDataFolder(deps.config.dataFolder)
    const parts = await createParts(deps)
    const port = await startParts(deps, parts, closers)
    return serviceOf(deps, parts, closers, port)
  } catch (error) {
    await closers.closeAll()
    throw error
  }
}

async function createParts(deps: ServiceDeps): Promise<Parts> {
  const { config, logger, clock, env } = deps
  // Imported when needed: a slave alone stays small.
  const registry = config.isMaster ? (await import('./master.ts')).createRegistry(config, clock, logger) : undefined
  const slave = config.isSlave ? createKeepaliveLoop(config, clock, logger) : undefined
  const templates = new TemplateSource({ file: config.configFile, annotations: config.annotations })
  const dns = createDns(deps, () => registry?.leading ?? true)
  const leaving: Leaving = {
    config,
    logger,
    dns,
    farewell: async () => slave?.leave(),
    others: () => externalAddresses(proxiesOf(registry, config).filter(({ ip }) => ip !== config.ip))
  }
  const proxy: Proxy | undefined = needsAutomaton(config)
    ? await (
        await import('./proxy.ts')
      ).createProxy({
        ...deps,
        registry,
        templates,
        dns: {
          addresses: () => externalAddresses(proxiesOf(registry, config)),
          parse: parseExposeInput,
          expose: (addresses, signal) => dns.expose(addresses, signal)
        },
        prepareStatistics: async () => statistics?.prepare(),
        leave: (signal) => leaveForGood(leaving, signal)
      })
    : undefined
  const controller = registry && (await import('./controller.ts')).createController({ ...deps, registry, proxy, dns })
  const observers = createObservers({ registry, proxy, dns, logger })
  const statistics: Statistics | undefined =
    proxy && new (await import('./statistics.ts')).Statistics({ ...deps, metrics: observers.metrics })
  const scripts = createScripts(config, proxy?.automaton, env, logger)
  const app = await createHttpServer({ ...deps, registry, proxy, dns, observers, scripts })
  return { registry, proxy, dns, leaving, templates, controller, app, slave, statistics }
}

async function startParts(deps: ServiceDeps, parts: Parts, closers: Closers): Promise<number> {
  const { registry, proxy, dns, templates, controller, app, slave, statistics } = parts
  if (registry !== undefined) {
    closers.add('registry', () => registry.close())
    await registry.open()
  }
  if (proxy !== undefined) {
    closers.add('haproxy driver', () => proxy.driver.close())
    closers.add('command socket', () => proxy.socket.close())
    await proxy.socket.listen()
  }
  closers.add('control tier', () => app.close())
  const { port } = await listen(app, deps.config.port)
  deps.logger.info({ port, app: deps.config.app, id: deps.config.id, modes: deps.config.modes }, 'control tier open')

  closers.add('dns', () => dns.stop())
  // A slave alone does not know the other proxies: it writes what a master commands, and nothing by itself.
  if (registry !== undefined) dns.start()
  proxy?.automaton.start()
  if (controller !== undefined) {
    closers.add('controller', () => controller.stop())
    controller.start()
    const retry = new Retry({ clock: deps.clock, again: (cause) => controller.templateChanged(cause) })
    closers.add('retry', () => retry.stop())
    proxy?.reconfigurations.subscribe((ended) => retry.ended(ended))
    templates.watch((cause) => controller.templateChanged(cause))
  }
  closers.add('template', () => templates.close())
  closers.add('statistics', () => statistics?.stop())
  statistics?.start()
  slave?.start()
  return port
}

/** What another image's manifest runs lives and dies with its automaton; HAProxy does not, unless it is stopping already. */
function endsWithUs({ automaton, drivesHaproxy }: Proxy): boolean {
  const { state, states } = automaton.status()
  return !drivesHaproxy || states.some(({ tag, terminal }) => terminal && tag === state)
}

function serviceOf(deps: ServiceDeps, parts: Parts, closers: Closers, port: number): Service {
  const { proxy, slave, dns, leaving, templates, statistics } = parts
  let stopped: Promise<void> | undefined
  const stop = async ({ haproxy = 'keep', forGood = false }: StopOptions): Promise<void> => {
    if (forGood) await leaveForGood(leaving, new AbortController().signal)
    await slave?.leave()
    if (proxy !== undefined && (haproxy === 'stop' || endsWithUs(proxy))) await proxy.automaton.stop()
    await closers.closeAll()
  }
  return {
    port,
    replaceAnnotations(annotations) {
      dns.configure(dnsSettings(annotations, deps.logger))
      templates.replaceAnnotations(annotations)
      replaceMasters(slave, annotations, deps.logger)
      statistics?.replaceAnnotations(annotations).catch((err: unknown) => {
        deps.logger.error({ err }, 'statistics not sent as the edited annotation says')
      })
    },
    stop: (options = {}) => (stopped ??= stop(options))
  }
}

/** A wrong annotation is told, and keeps nothing else from working. */
function replaceMasters(
  slave: KeepaliveLoop | undefined,
  annotations: Readonly<Record<string, string>>,
  logger: Logger
): void {
  try {
    slave?.replaceMasters(mastersOf(annotations))
  } catch (err) {
    logger.error({ err }, 'masters stay as they were')
  }
}

function proxiesOf(registry: Registry | undefined, { app }: Config) {
  return registry === undefined ? [] : (completeSnapshot(registry).apps.get(app)?.pods ?? [])
}

function prepareDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
  } catch (cause) {
    throw new KontrolError('KTL_DATA_UNWRITABLE', `The data folder ${folder} cannot be written: ${messageOf(cause)}`, {
      hint: 'Set KONTROL_DATA to a folder that this user may write.',
      cause
    })
  }
}
