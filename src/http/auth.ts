import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { KontrolError } from '../errors.ts'

const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Lets writes through only with one of the tokens; without tokens all pass. */
export function requireTokenForWrites(app: FastifyInstance, tokens: readonly string[]): void {
  if (tokens.length === 0) return
  const isKnown = tokenCheck(tokens)
  app.addHook('onRequest', async (request, reply) => {
    if (READS.has(request.method) || isKnown(bearerOf(request))) return
    reply.header('www-authenticate', 'Bearer')
    throw new KontrolError(
      'KTL_UNAUTHORIZED',
      `${request.method} ${request.routeOptions.url ?? request.url} needs a token`,
      {
        hint: 'Send "Authorization: Bearer <KONTROL_TOKEN>".'
      }
    )
  })
}

/** POST /down ends the process: a neighbour on the network may not, unless it holds a token. */
export function isLoopback({ ip }: FastifyRequest): boolean {
  return ip === '::1' || ip.startsWith('127.') || ip.startsWith('::ffff:127.')
}

function tokenCheck(tokens: readonly string[]): (token: string | undefined) => boolean {
  const known = tokens.map(digestOf)
  return (token) => {
    if (token === undefined) return false
    const digest = digestOf(token)
    // All are compared, each in constant time, so that the time tells nothing.
    return known.map((one) => timingSafeEqual(one, digest)).includes(true)
  }
}

function bearerOf({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest()
