import { createHash } from 'node:crypto'
import { pipeline, type Readable } from 'node:stream'
import { promisify } from 'node:util'
import { createGzip, gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** What is shorter gains nothing: it is one packet either way. */
const LEAST_BYTES = 1024

/** In the `config` of a route whose answers are negotiated. */
export interface NegotiatedRoute {
  readonly negotiated: true
}

const compress = promisify(gzip)

/**
 * For what operators ask: answers carry an `ETag`, are 304 where the client has them already, and are compressed where
 * it says that it can read that. Only for the routes of this scope: keepalives are not to pay for it.
 */
export function negotiateAnswers(scope: FastifyInstance): void {
  scope.addHook('onRoute', (route) => {
    const mark: NegotiatedRoute = { negotiated: true }
    if (route.method === 'GET') route.config = { ...route.config, ...mark }
  })
  scope.addHook('onSend', async (request, reply, payload) => {
    if (reply.statusCode !== 200 || !isRead(request)) return payload
    reply.header('vary', 'accept-encoding')
    const isText = typeof payload === 'string' || Buffer.isBuffer(payload)
    const isLong = !isText || Buffer.byteLength(payload) >= LEAST_BYTES
    const compressed = isLong && takesGzip(request)
    if (isText) tag(reply, payload, compressed)
    if (hasIt(request, reply)) {
      reply.code(304)
      // To HEAD belongs the length of what GET would answer, so that is left to be measured.
      return request.method === 'HEAD' ? payload : null
    }
    if (!compressed) return payload
    reply.header('content-encoding', 'gzip').removeHeader('content-length')
    return await gzipped(payload as string | Buffer | Readable)
  })
}

/** A source that fails ends the answer in the middle, which its client sees. */
async function gzipped(payload: string | Buffer | Readable): Promise<Buffer | Readable> {
  const isText = typeof payload === 'string' || Buffer.isBuffer(payload)
  return isText ? await compress(payload) : pipeline(payload, createGzip(), () => {})
}

const isRead = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD'

/** By name, else by `*`; a weight of 0 refuses it. */
function takesGzip({ headers }: FastifyRequest): boolean {
  const said = String(headers['accept-encoding'] ?? '').split(',')
  const weights = new Map(
    said.map((one) => {
      const [coding = '', weight = 'q=1'] = one.toLowerCase().split(';', 2)
      return [coding.trim(), Number(weight.trim().replace(/^q=/, ''))]
    })
  )
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0
}

/** Weak but where the route has a strong one of its own and the bytes are those that it is of. */
function tag(reply: FastifyReply, payload: string | Buffer, compressed: boolean): void {
  const own = reply.getHeader('etag')
  if (own === undefined) {
    reply.header('etag', `W/"${createHash('sha1').update(payload).digest('base64url')}"`)
    // Kept, but never shown before we were asked.
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-cache')
  } else if (compressed) reply.header('etag', `W/${String(own)}`)
}

/** By the weak comparison of RFC 9110, 13.1.2. */
function hasIt({ headers }: FastifyRequest, reply: FastifyReply): boolean {
  const wanted = headers['if-none-match']
  const own = reply.getHeader('etag')
  if (wanted === undefined || own === undefined) return false
  const opaque = (value: string): string => value.trim().replace(/^W\//, '')
  return wanted.trim() === '*' || wanted.split(',').some((one) => opaque(one) === opaque(String(own)))
}
