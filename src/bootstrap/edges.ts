import { join } from 'node:path'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { ServiceDeps } from './service.ts'
import type { Access } from '../access/access.ts'
import { tokenToPingWith, type Credentials } from '../access/credentials.ts'
import { mastersOf, type Config } from '../config.ts'
import { DnsExposer, type DnsExposerOptions } from '../dns/dns-exposer.ts'
import { parseDnsAnnotations, type DnsSettings } from '../dns/dns-settings.ts'
import { KontrolError, messageOf, type Problem } from '../errors.ts'
import { EventHistory, type ProgramEvent } from '../http/event-history.ts'
import { describeApi } from '../http/description/describe-api.ts'
import { dashboardRoutes } from '../http/routes/dashboard.ts'
import { dnsRoutes } from '../http/routes/dns.ts'
import { eventRoutes } from '../http/routes/events.ts'
import { healthRoutes } from '../http/routes/health.ts'
import { kontrolRoutes, type KeepaliveSink } from '../http/routes/kontrol.ts'
import { metricsRoutes } from '../http/routes/metrics.ts'
import { versionRoutes } from '../http/routes/version.ts'
import { Connections } from '../http/connections.ts'
import { EventSlots } from '../http/event-slots.ts'
import { negotiateAnswers } from '../http/negotiated-answers.ts'
import { buildServer } from '../http/server.ts'
import type { Clock } from '../platform/clock.ts'
import { isoTime } from '../model/iso-time.ts'
import type { LimitUse } from '../model/limits.ts'
import { connectionsWithin, descriptorLimit } from '../platform/descriptors.ts'
import type { Listeners } from '../platform/listeners.ts'
import type { Logger } from '../platform/logger.ts'
import { HealthWatch } from '../slave/health-watch.ts'
import { KeepaliveLoop, type KeepaliveLoopOptions } from '../slave/keepalive-loop.ts'
import { PayloadFile } from '../slave/payload-file.ts'
import { ScriptRunner, type CommandSink } from '../slave/script/script.ts'
import { LimitWatch } from '../telemetry/limit-watch.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { kontrolHandlers } from '../zerorpc/kontrol-handlers.ts'
import { sharePort } from '../zerorpc/port-sharing.ts'
import { ZerorpcClient } from '../zerorpc/zerorpc-client.ts'
import { ZerorpcServer } from '../zerorpc/zerorpc-server.ts'
import { readPlainFileSync, SMALL_FILE_BYTES } from '../platform/files/plain-file.ts'

// What every process has: the port of the control tier, the loop of a slave, and the DNS stage.

export interface PortDeps extends ServiceDeps {
  access: Access
  /** Absent when this process is no master. */
  keepalives: KeepaliveSink | undefined
  /** Takes what masters ask this pod's automaton. */
  commands: CommandSink
  dns: DnsExposer
  events: Listeners<ProgramEvent>
  metrics: Metrics
  problems: () => readonly Problem[]
  /** What clients lack although nothing is wrong here; none unless told otherwise. */
  findings?: () => readonly Problem[]
  /** Of the registry's limits. */
  uses?: () => readonly LimitUse[]
  /** What only some processes can tell. */
  routes?: FastifyPluginAsync
}

/** The control tier's port: HTTP, and ZeroRPC beside it. */
export async function createPort(deps: PortDeps): Promise<FastifyInstance> {
  const {
    config,
    access,
    children,
    logger,
    keepalives,
    commands,
    dns,
    events,
    metrics,
    problems,
    findings = () => [],
    onLeave
  } = deps
  const app = buildServer({ logger, access, ...tlsOf(config) })
  const scripts = new ScriptRunner({
    mode: config.script,
    socketPath: config.socket,
    sink: commands,
    access,
    env: children,
    shell: config.shell,
    logger
  })
  await describeApi(app)
  await app.register(kontrolRoutes, { keepalives, scripts, leave: onLeave })
  await app.register(healthRoutes, { problems: async () => problems(), findings })
  const slots = new EventSlots()
  const history = new EventHistory({ path: join(config.dataFolder, 'events.jsonl'), clock: deps.clock, logger })
  events.subscribe((event) => history.add(event))
  await app.register(eventRoutes, { history, slots })
  await app.register(async (scope) => {
    negotiateAnswers(scope)
    await scope.register(versionRoutes)
    await scope.register(metricsRoutes, { metrics })
    await scope.register(dnsRoutes, { status: () => dns.status() })
    await scope.register(dashboardRoutes, { app: config.app, id: config.id })
    if (deps.routes !== undefined) await scope.register(deps.routes)
  })
  const zerorpc = shareWithZerorpc(app, deps, scripts)
  watchLimits(app, deps, () => [slots.use, zerorpc.use])
  return app
}

/** Kontrol's last generation on the same port. */
function shareWithZerorpc(app: FastifyInstance, deps: PortDeps, scripts: ScriptRunner): ZerorpcServer {
  const { access, logger, clock, keepalives } = deps
  const server = new ZerorpcServer({
    handlers: kontrolHandlers({ keepalives, scripts }),
    onPingRefused: (error) => keepalives?.refused(error),
    callerAt: (address) => access.callerAt(address),
    logger,
    clock,
    refusal: access.zerorpcRefusal
  })
  const sharing = sharePort(app.server, { zmtp: (socket, firstChunk) => server.accept(socket, firstChunk) })
  app.addHook('preClose', async () => {
    sharing.close()
    await server.close()
  })
  return server
}

/** Keeps connections within what the process may open, and tells of every limit that is nearly reached. */
function watchLimits(
  app: FastifyInstance,
  { clock, logger, events, metrics, uses: others = () => [] }: PortDeps,
  ofPort: () => readonly LimitUse[]
): void {
  const connections = new Connections(app.server, { max: connectionsWithin(descriptorLimit()), logger })
  const uses = (): LimitUse[] => [...others(), connections.use, ...ofPort()]
  metrics.watchLimits(uses)
  const onNear = (problem: Problem): void => {
    metrics.alarm(problem.code)
    events.emit({ type: 'alarm', data: { at: isoTime(clock.now()), ...problem } })
  }
  const watch = new LimitWatch({ uses, onNear, clock, logger })
  watch.start()
  app.addHook('preClose', async () => {
    watch.stop()
    connections.close()
  })
}

/** The loop that reports this pod to its masters; none in a process that is no slave. */
export function createKeepaliveLoop(
  { config, clock, logger }: ServiceDeps,
  credentials: Credentials
): KeepaliveLoop | undefined {
  if (!config.isSlave) return undefined
  const { app, role, id, ip, masters, port, ttlSeconds, payloadFile } = config
  return new KeepaliveLoop({
    self: { app, role, id, ip },
    masters,
    port,
    ttlMs: ttlSeconds * 1000,
    payload: new PayloadFile({ path: payloadFile, clock, logger }),
    health: healthOf(config, clock, logger),
    token: () => tokenToPingWith(credentials.secrets, app),
    ...tlsOf(config),
    connectZerorpc: (address) => new ZerorpcClient(address),
    clock,
    logger
  })
}

function healthOf(config: Config, clock: Clock, logger: Logger): KeepaliveLoopOptions['health'] {
  const { check, checkIntervalSeconds, checkRise: rise, checkFall: fall } = config
  if (check === undefined) return undefined
  return (on) => new HealthWatch({ check, intervalMs: checkIntervalSeconds * 1000, rise, fall, clock, logger, ...on })
}

/** The Route53 stage. The SDK is loaded when the annotation first has something to write. */
export function createDns(
  { config, clock, logger }: ServiceDeps,
  { isLeader, completeInMs }: Pick<DnsExposerOptions, 'isLeader' | 'completeInMs'>
): DnsExposer {
  return new DnsExposer({
    settings: dnsSettings(config.annotations, logger),
    providerFactory: async () => (await import('../dns/route53.ts')).createRoute53Provider(),
    clock,
    logger,
    dryRun: config.dryRun,
    isLeader,
    ownAddress: config.eip,
    ...(completeInMs !== undefined && { completeInMs })
  })
}

/** Annotations of the pod that were edited while it runs. A wrong one is told, and keeps nothing else from working. */
export function replaceAnnotations(
  { dns, slave }: { dns: DnsExposer; slave: KeepaliveLoop | undefined },
  annotations: Readonly<Record<string, string>>,
  logger: Logger
): void {
  try {
    dns.configure(parseDnsAnnotations(annotations))
  } catch (err) {
    logger.error({ err }, 'dns annotations stay as they were')
  }
  try {
    slave?.replaceMasters(mastersOf(annotations))
  } catch (err) {
    logger.error({ err }, 'masters stay as they were')
  }
}

function dnsSettings(annotations: Readonly<Record<string, string>>, logger: Logger): DnsSettings | undefined {
  try {
    return parseDnsAnnotations(annotations)
  } catch (error) {
    logger.error({ err: error }, 'dns annotations ignored')
    return undefined
  }
}

/** What this process shows, as a server and as a slave, and whom it lets in. */
export function tlsOf({ tlsCert, tlsKey, tlsClientCa }: Config) {
  if (tlsCert === undefined || tlsKey === undefined) return {}
  return {
    tls: {
      cert: readPem(tlsCert),
      key: readPem(tlsKey),
      ...(tlsClientCa !== undefined && { ca: readPem(tlsClientCa) })
    }
  }
}

function readPem(path: string): string {
  try {
    return readPlainFileSync(path, SMALL_FILE_BYTES)
  } catch (cause) {
    throw new KontrolError('KTL_CONFIG_INVALID', `The file ${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'Check KONTROL_TLS_CERT, KONTROL_TLS_KEY and KONTROL_TLS_CLIENT_CA.',
      cause
    })
  }
}
