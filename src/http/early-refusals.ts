import { maxHeaderSize, STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { KontrolError, problemOf, type ErrorCode } from '../errors.ts'

/** Milliseconds that a client has to read a refusal while it still sends: closed at once, the answer would be lost. */
const LINGER_MS = 1_000

const byParserCode: Readonly<Record<string, readonly [ErrorCode, string, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['KTL_REQUEST_TIMEOUT', 'The request did not come in time', 'Send it whole, at once.'],
  HPE_HEADER_OVERFLOW: ['KTL_HEADERS_TOO_LARGE', 'The headers are too large', `Send at most ${maxHeaderSize} bytes.`],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['KTL_BODY_TOO_LARGE', 'Chunk extensions are too large', 'Send none.'],
  HPE_PAUSED_H2_UPGRADE: ['KTL_REQUEST_INVALID', 'HTTP/2 is not spoken here', 'Speak HTTP/1.1.']
}

/** What Node refuses before there is a request, in the shape of every error of ours. */
export function refuseEarly(app: FastifyInstance): void {
  app.server.on('checkExpectation', ({ headers }: IncomingMessage, response: ServerResponse) => {
    const error = new KontrolError('KTL_EXPECTATION_FAILED', `There is no way to expect ${headers.expect ?? ''}`, {
      hint: 'Send the request without Expect, or with 100-continue.'
    })
    const body = JSON.stringify(problemOf(error))
    response.writeHead(error.statusCode, headersOf(body)).end(body)
  })
  app.server.on('connect', ({ method }: IncomingMessage, socket: Duplex) => {
    const error = new KontrolError('KTL_METHOD_NOT_ALLOWED', `Nothing here takes ${method}`, {
      hint: 'GET /openapi.json lists what there is.'
    })
    refuse(socket, error, { allow: 'GET, HEAD, PUT, POST, DELETE' })
  })
  let isClosing = false
  app.addHook('preClose', async () => void (isClosing = true))
  // Each keepalive comes through here: no promise.
  app.addHook('onRequest', (request, reply, done) => {
    if (isClosing) {
      done(new KontrolError('KTL_SHUT_DOWN', 'This process ends', { hint: 'Ask another control tier.' }))
      return
    }
    const problem = problemOfHost(request.raw)
    if (problem === undefined) return done()
    reply.header('connection', 'close')
    done(new KontrolError('KTL_REQUEST_INVALID', `The request ${problem}`, { hint: 'Send the header Host once.' }))
  })
}

/**
 * Two hosts are two who may be meant: what stands between the sender and us may have judged by the other one. Node takes the
 * first header, and a target such as `http://host/path` counts more than the header does.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2
 */
function problemOfHost({ httpVersion, headers: { host }, rawHeaders, url = '' }: IncomingMessage): string | undefined {
  if (host === undefined) return httpVersion === '1.1' ? 'has no Host' : undefined
  if (hostsIn(rawHeaders) > 1) return 'has more than one Host'
  return url.startsWith('/') || namesHost(url, host) ? undefined : 'has another host in its target'
}

/** @param rawHeaders names and values by turns */
function hostsIn(rawHeaders: readonly string[]): number {
  return rawHeaders.filter((name, at) => at % 2 === 0 && name.length === 4 && name.toLowerCase() === 'host').length
}

function namesHost(target: string, host: string): boolean {
  const authority = /^https?:\/\/([^/?#]*)/i.exec(target)?.[1]
  return target === '*' || authority?.toLowerCase() === host.toLowerCase()
}

/** Fastify's `clientErrorHandler`. */
export function refuseUnparsed(error: NodeJS.ErrnoException, socket: Socket): void {
  const { code = '' } = error
  // Neither a connection that is lost nor a handshake of TLS that failed takes an answer.
  const isHttp = code.startsWith('HPE_') || code.startsWith('ERR_HTTP_')
  // What follows is refused once more; and an answer that has begun is not written into.
  if (socket.writableEnded) return
  if (!isHttp || !socket.writable || hasBegunToAnswer(socket)) return void socket.destroy()
  const [row, message, hint] = byParserCode[code] ?? [
    'KTL_REQUEST_INVALID',
    `This is no HTTP/1.1: ${error.message.replace(/^Parse Error: /, '')}`,
    'Correct the client, or what stands between it and this port.'
  ]
  refuse(socket, new KontrolError(row, message, { hint }))
}

function refuse(socket: Duplex, error: KontrolError, more: Record<string, string> = {}): void {
  const body = JSON.stringify(problemOf(error))
  const headers = Object.entries({ ...headersOf(body), ...more }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.on('error', () => {}) // the client went away
  socket.end(`HTTP/1.1 ${error.statusCode} ${STATUS_CODES[error.statusCode]}\r\n${headers.join('')}\r\n${body}`)
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
  socket.resume()
}

const headersOf = (body: string) => ({
  'content-type': 'application/json; charset=utf-8',
  'content-length': String(Buffer.byteLength(body)),
  connection: 'close'
})

/** As Node's own handler looks at it. */
const hasBegunToAnswer = (socket: Socket): boolean =>
  (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage?.headersSent === true
