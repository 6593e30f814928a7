import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Proxy } from './bootstrap-proxy.ts'
import { KontrolError, messageOf } from './errors.ts'
import { configRoutes } from './http/routes/config.ts'
import { haproxyRoutes } from './http/routes/haproxy.ts'
import { healthRoutes, type ReadinessProblem } from './http/routes/health.ts'
import { kontrolRoutes, type ScriptSink } from './http/routes/kontrol.ts'
import { lifecycleRoutes } from './http/routes/lifecycle.ts'
import { podRoutes } from './http/routes/pods.ts'
import { buildServer } from './http/server.ts'
import type { Config } from './load-config.ts'
import type { Logger } from './platform/logger.ts'
import type { Registry } from './registry/registry.ts'

export interface HttpDeps {
  config: Config
  logger: Logger
  registry: Registry | undefined
  proxy: Proxy | undefined
  scripts: ScriptSink
  onLeave: () => void
}

/** The control tier with the routes of the parts that this process has. */
export async function createHttpServer(deps: HttpDeps): Promise<FastifyInstance> {
  const { config, logger, registry, proxy, scripts, onLeave } = deps
  const app = buildServer({ logger, tokens: config.tokens, ...tlsOf(config) })
  const hasTokens = config.tokens.length > 0
  await app.register(kontrolRoutes, { registry, scripts, leave: onLeave, hasTokens })
  await app.register(healthRoutes, { problems: () => readinessProblems(proxy) })
  if (registry !== undefined) await app.register(podRoutes, { registry, ownApp: config.app })
  if (proxy !== undefined) {
    const { automaton, driver, reconfigurations } = proxy
    await app.register(lifecycleRoutes, { lifecycle: automaton })
    await app.register(haproxyRoutes, { status: () => driver.status() })
    await app.register(configRoutes, {
      running: () => driver.running(),
      candidate: () => driver.candidate(),
      reconfigurations: () => reconfigurations.entries()
    })
  }
  return app
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

async function readinessProblems(proxy: Proxy | undefined): Promise<readonly ReadinessProblem[]> {
  if (proxy === undefined) return []
  const { lastError } = proxy.automaton.status()
  const problems: ReadinessProblem[] = [
    ...(lastError === null ? [] : [lastError]),
    ...(proxy.drivesHaproxy ? proxy.driver.problems() : [])
  ]
  // A step that failed and the driver that made it fail say the same.
  return problems.filter(({ message }, index) => problems.findIndex((other) => other.message === message) === index)
}

function tlsOf({ tlsCert, tlsKey, tlsClientCa }: Config) {
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
