import { TLSSocket } from 'node:tls'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Access } from '../access/access.ts'
import type { Caller } from '../access/caller.ts'
import type { Deed } from '../access/policy.ts'
import { findKontrolError } from '../errors.ts'

/**
 * For the `config` of a route: what a caller must be allowed at least before its body is read; the route itself
 * asks about the rest. Without it: reading for GET, and operating for all that writes.
 */
export interface RouteAccess {
  readonly needs: 'probe' | 'ping' | 'command'
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Finds out who sends each request, and refuses what he may not. */
export function guardRoutes(app: FastifyInstance, access: Access): void {
  app.decorateRequest('caller', null)
  // Each keepalive comes through here: no promise.
  app.addHook('onRequest', (request, reply, done) => {
    try {
      letIn(request, access)
    } catch (error) {
      if (findKontrolError(error, 'KTL_UNAUTHORIZED') !== undefined) reply.header('www-authenticate', 'Bearer')
      done(error as Error)
      return
    }
    done()
  })
}

/** @throws KontrolError KTL_UNAUTHORIZED or KTL_FORBIDDEN */
function letIn(request: FastifyRequest, access: Access): void {
  const caller = access.callerOf({
    remoteAddress: request.socket.remoteAddress,
    headers: request.headers,
    certificate: certificateOf(request),
    connection: request.socket
  })
  request.setDecorator('caller', caller)
  access.check(deedOf(request), caller)
}

/** Who sent it, as guardRoutes() found out. */
export const callerOf = (request: FastifyRequest): Caller => request.getDecorator<Caller>('caller')

function deedOf(request: FastifyRequest): Deed {
  // What there is can be read in the description of the API.
  if (request.is404) return { kind: 'probe' }
  const what = `${request.method} ${request.routeOptions.url ?? request.url}`
  const { needs } = request.routeOptions.config as Partial<RouteAccess>
  if (needs === 'command') return { kind: 'command', command: 'look', what }
  if (needs !== undefined) return { kind: needs }
  return READS.has(request.method) ? { kind: 'read' } : { kind: 'operate', what }
}

function certificateOf({ socket }: FastifyRequest) {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  return socket.getPeerCertificate()
}
