import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Observers } from './events-and-readiness.ts'
import type { Proxy } from './proxy.ts'
import type { DnsExposer } from '../dns/dns-exposer.ts'
import { KontrolError, messageOf } from '../errors.ts'
import { dashboardRoutes } from '../http/routes/dashboard.ts'
import { dnsRoutes } from '../http/routes/dns.ts'
import { eventRoutes } from '../http/routes/events.ts'
import { healthRoutes } from '../http/routes/health.ts'
import { kontrolRoutes, type ScriptSink } from '../http/routes/kontrol.ts'
import { metricsRoutes } from '../http/routes/metrics.ts'
import { describeApi } from '../http/describe-api.ts'
import { buildServer } from '../http/server.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Registry } from '../registry/registry.ts'
import { kontrolHandlers, type KontrolHandlerDeps } from '../zerorpc/kontrol-handlers.ts'
import { sharePort } from '../zerorpc/port-sharing.ts'
import { ZerorpcServer } from '../zerorpc/zerorpc-server.ts'

export interface HttpDeps {
  config: Config
  logger: Logger
  registry: Registry | undefined
  proxy: Proxy | undefined
  dns: DnsExposer
  observers: Observers
  scripts: ScriptSink
  clock: Clock
  onLeave: () => void
}

/** The control tier with the routes of the parts that this process has, and ZeroRPC on the same port. */
export async function createHttpServer(deps: HttpDeps): Promise<FastifyInstance> {
  const { config, logger, registry, proxy, dns, observers, scripts, onLeave } = deps
  const app = buildServer({ logger, tokens: config.tokens, ...tlsOf(config) })
  // Imported when needed: a slave alone stays small.
  const keepalives = registry && (await import('./master.ts')).createKeepaliveSink(registry, observers.metrics, config)
  await describeApi(app)
  await app.register(kontrolRoutes, { keepalives, scripts, leave: onLeave, hasTokens: config.tokens.length > 0 })
  await app.register(healthRoutes, { problems: observers.problems })
  await app.register(metricsRoutes, { metrics: observers.metrics })
  await app.register(eventRoutes, { subscribe: (listener) => observers.events.subscribe(listener) })
  await app.register(dnsRoutes, { status: () => dns.status() })
  await app.register(dashboardRoutes, { app: config.app, id: config.id })
  if (registry !== undefined || proxy !== undefined) {
    const { masterRoutes } = await import('./master-routes.ts')
    await app.register(masterRoutes, { registry, proxy, ownApp: config.app })
  }
  shareWithZerorpc(app, deps, keepalives)
  return app
}

/** Kontrol's last generation on the same port. It has no credentials to show, so where they are wanted it is refused. */
function shareWithZerorpc(app: FastifyInstance, deps: HttpDeps, keepalives: KontrolHandlerDeps['keepalives']): void {
  const { config, logger, clock, scripts } = deps
  const guarded = config.tokens.length > 0 || config.tlsClientCa !== undefined
  const server = new ZerorpcServer({
    handlers: kontrolHandlers({ keepalives, scripts }),
    logger,
    clock,
    ...(guarded && { refusal: zerorpcRefusal() })
  })
  const sharing = sharePort(app.server, { zmtp: (socket, firstChunk) => server.accept(socket, firstChunk) })
  app.addHook('preClose', async () => {
    sharing.close()
    await server.close()
  })
}

function zerorpcRefusal(): KontrolError {
  return new KontrolError('KTL_UNAUTHORIZED', 'ZeroRPC carries no credentials, and this control tier wants them', {
    hint: 'Let the client speak HTTP with its token, or take KONTROL_TOKEN and KONTROL_TLS_CLIENT_CA away here.'
  })
}

/** @throws KontrolError KTL_PORT_TAKEN */
export async function listen(app: FastifyInstance, port: number): Promise<AddressInfo> {
  try {
    await app.listen({ port, host: '::' }).catch(async (error: NodeJS.ErrnoException) => {
      // A kernel without IPv6.
      if (error.code !== 'EAFNOSUPPORT' && error.code !== 'EADDRNOTAVAIL') throw error
      await app.listen({ port, host: '0.0.0.0' })
    })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause
    throw new KontrolError('KTL_PORT_TAKEN', `Port ${port} is taken by another process`, {
      hint: 'Stop that process, or set KONTROL_PORT to a free port.',
      cause
    })
  }
  return app.server.address() as AddressInfo
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
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new KontrolError('KTL_CONFIG_INVALID', `The file ${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'Check KONTROL_TLS_CERT, KONTROL_TLS_KEY and KONTROL_TLS_CLIENT_CA.',
      cause
    })
  }
}
