import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Proxy } from './proxy.ts'
import { configRoutes } from '../http/routes/config.ts'
import { haproxyRoutes } from '../http/routes/haproxy.ts'
import { lifecycleRoutes } from '../http/routes/lifecycle.ts'
import { podRoutes } from '../http/routes/pods.ts'
import type { Registry } from '../registry/registry.ts'

export interface MasterRouteDeps {
  registry: Registry | undefined
  proxy: Proxy | undefined
  ownApp: string
}

/** What only a master or a proxy can tell; their parameters are checked by TypeBox. */
export async function masterRoutes(app: FastifyInstance, { registry, proxy, ownApp }: MasterRouteDeps): Promise<void> {
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  if (registry !== undefined) await app.register(podRoutes, { registry, ownApp })
  if (proxy !== undefined) await app.register(proxyRoutes, proxy)
}

async function proxyRoutes(app: FastifyInstance, { automaton, driver, reconfigurations }: Proxy): Promise<void> {
  await app.register(lifecycleRoutes, { lifecycle: automaton })
  await app.register(haproxyRoutes, { status: () => driver.status() })
  await app.register(configRoutes, {
    running: () => driver.running(),
    candidate: () => driver.candidate(),
    reconfigurations: () => reconfigurations.entries()
  })
}
