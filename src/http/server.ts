import type { AddressInfo } from 'node:net'
import Fastify, { LogController, type FastifyInstance } from 'fastify'
import type { Access } from '../access/access.ts'
import { KontrolError } from '../errors.ts'
import { limits } from '../model/limits.ts'
import { parseJson } from '../model/json/json.ts'
import type { Logger } from '../platform/logger.ts'
import { guardRoutes } from './auth.ts'
import { refuseEarly, refuseUnparsed } from './early-refusals.ts'
import { errorHandler, send } from './error-handler.ts'

export interface ServerOptions {
  logger: Logger
  access: Access
  /** PEM texts: HTTPS, and with `ca` mutual TLS. */
  tls?: { cert: string; key: string; ca?: string }
}

const CHECK_MS = 5_000
/** Of Node's servers: a missing Host is refused by us. */
const PARSER = { connectionsCheckingInterval: CHECK_MS, requireHostHeader: false }

/** The bare control tier: error bodies, limits, auth; routes are registered by the caller, who also listens. */
export function buildServer({ logger, access, tls }: ServerOptions): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger,
    // A line for each keepalive would cost a third of all keepalives and drown the rest.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodyBytes,
    // Slow-loris guards: Node's own defaults, stated.
    requestTimeout: 30_000,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    // A body that comes too slowly is noticed within this, and not only after another 30 s.
    http: PARSER,
    forceCloseConnections: true,
    // By us, in our words.
    return503OnClosing: false,
    clientErrorHandler: refuseUnparsed,
    frameworkErrors: (error, request, reply) => void errorHandler(error, request, reply),
    routerOptions: { ignoreTrailingSlash: false },
    schemaController: {
      compilersFactory: { buildValidator: noValidator, buildSerializer: () => () => JSON.stringify }
    },
    ...(tls !== undefined && {
      https: {
        ...tls,
        ...PARSER,
        requestCert: tls.ca !== undefined,
        rejectUnauthorized: tls.ca !== undefined
      }
    })
  }) as unknown as FastifyInstance
  app.setErrorHandler(errorHandler)
  acceptAnyContentTypeAsJson(app)
  answerUnknownRoutes(app)
  refuseEarly(app)
  guardRoutes(app, access)
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

/**
 * In place of Fastify's own compilers, which a slave alone would carry around unused. Routes whose
 * parameters are checked come with TypeBox as their validator, see bootstrap/control-tier.ts.
 */
function noValidator(): never {
  throw new TypeError('A route with a schema for what it takes is registered without a validator')
}

/** Kontrol never looked at the content type, so neither do its clients. */
function acceptAnyContentTypeAsJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  // Fastify itself refuses what is no media type at all: "json", "application/json,", nothing.
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.headers['content-type'] !== undefined) request.headers['content-type'] = 'application/json'
    done()
  })
  app.addContentTypeParser(['application/json', '*'], { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, parseJson(body as string))
    } catch (error) {
      done(
        new KontrolError('KTL_REQUEST_INVALID', `The body is not JSON: ${(error as Error).message}`, {
          hint: 'Send one JSON object.',
          cause: error
        })
      )
    }
  })
}

/** 405 with `Allow` where the path exists under another method, else 404. */
function answerUnknownRoutes(app: FastifyInstance): void {
  const methods = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const allowed = methods.filter((method) => app.findRoute({ method, url: path }) !== null)
    if (allowed.length === 0) {
      return send(
        reply,
        new KontrolError('KTL_NOT_FOUND', `There is no ${path}`, { hint: 'GET /openapi.json lists what there is.' })
      )
    }
    return send(
      reply.header('allow', allowed.join(', ')),
      new KontrolError('KTL_METHOD_NOT_ALLOWED', `${path} does not take ${request.method}`, {
        hint: `Use ${allowed.join(' or ')}.`
      })
    )
  })
}
