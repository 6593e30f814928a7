import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../../src/errors.ts'
import { buildServer } from '../../../src/http/server.ts'
import { sharePort } from '../../../src/zerorpc/port-sharing.ts'
import { makeAccess } from '../../support/registry/make-access.ts'
import { silentLogger } from '../../support/test-logger.ts'

let app: FastifyInstance
let held: Promise<void> | undefined
beforeEach(async () => {
  held = undefined
  app = buildServer({ logger: silentLogger(), access: makeAccess() })
  app.put('/ping', { config: { needs: 'ping' } }, (_request, reply) => reply.send())
  app.get('/pods/:key', () => ({ ok: true }))
  app.put('/half', {
    config: { needs: 'ping' },
    onRequest: (_request, reply) => {
      reply.hijack()
      reply.raw.write('begun')
    },
    handler: () => {}
  })
  app.addHook('preClose', async () => await held)
  await app.listen({ port: 0, host: '127.0.0.1' })
})
afterEach(() => app.close())

/** All that is answered until the other side closes. */
async function exchange(text: string | Buffer): Promise<string> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  let received = ''
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
  socket.write(text)
  await once(socket, 'close')
  return received
}

function answerOf(received: string) {
  const end = received.indexOf('\r\n\r\n')
  const [first = '', ...lines] = received.slice(0, end).split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)])
  )
  return { status: Number(first.split(' ')[1]), headers, body: received.slice(end + 4) }
}

function expectRefusal(received: string, status: number, code: ErrorCode): void {
  const answer = answerOf(received)
  expect(answer.status).toBe(status)
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
  expect(answer.headers.connection).toBe('close')
  expect(Number(answer.headers['content-length'])).toBe(Buffer.byteLength(answer.body, 'latin1'))
  const problem = JSON.parse(answer.body) as object
  expect(problem).toEqual({ code, message: expect.any(String) as string, hint: expect.any(String) as string })
}

function shortenTimeouts(): void {
  app.server.headersTimeout = 100
  app.server.requestTimeout = 100
}

const HOST = 'Host: localhost\r\n'
const CLOSE = `${HOST}Connection: close\r\n`
const FILL = 'a'.repeat(20_000)

describe('what never becomes a request', () => {
  it.each<[string, string | Buffer, number, ErrorCode]>([
    ['no HTTP', 'hello\r\n\r\n', 400, 'KTL_REQUEST_INVALID'],
    ['bytes', Buffer.from([1, 2, 3, 13, 10]), 400, 'KTL_REQUEST_INVALID'],
    ['a method nobody knows', `BREW / HTTP/1.1\r\n${HOST}\r\n`, 400, 'KTL_REQUEST_INVALID'],
    ['another version', `GET / HTTP/9.9\r\n${HOST}\r\n`, 400, 'KTL_REQUEST_INVALID'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 400, 'KTL_REQUEST_INVALID'],
    [
      'two lengths',
      `PUT /ping HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
      400,
      'KTL_REQUEST_INVALID'
    ],
    [
      'a length beside chunks',
      `PUT /ping HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
      'KTL_REQUEST_INVALID'
    ],
    ['no Host', 'GET /pods/a HTTP/1.1\r\n\r\n', 400, 'KTL_REQUEST_INVALID'],
    ['large headers', `GET / HTTP/1.1\r\n${HOST}X: ${FILL}\r\n\r\n`, 431, 'KTL_HEADERS_TOO_LARGE'],
    ['a large first line', `GET /${FILL} HTTP/1.1\r\n${HOST}\r\n`, 431, 'KTL_HEADERS_TOO_LARGE'],
    [
      'headers that go on while they are refused',
      `GET / HTTP/1.1\r\n${HOST}${`X: ${FILL}\r\n`.repeat(100)}\r\n`,
      431,
      'KTL_HEADERS_TOO_LARGE'
    ],
    [
      'large chunk extensions',
      `PUT /ping HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1;${FILL}\r\na\r\n0\r\n\r\n`,
      413,
      'KTL_BODY_TOO_LARGE'
    ],
    ['an expectation', `PUT /ping HTTP/1.1\r\n${HOST}Expect: more\r\n\r\n`, 417, 'KTL_EXPECTATION_FAILED'],
    ['a tunnel', `CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n`, 405, 'KTL_METHOD_NOT_ALLOWED']
  ])('%s', async (_name, text, status, code) => {
    expectRefusal(await exchange(text), status, code)
  })

  it.each<[string, string, number, ErrorCode]>([
    ['a path that is no text', `GET /%zz HTTP/1.1\r\n${CLOSE}\r\n`, 400, 'KTL_REQUEST_INVALID'],
    [
      'a parameter that is too long',
      `GET /pods/${'a'.repeat(200)} HTTP/1.1\r\n${CLOSE}\r\n`,
      400,
      'KTL_REQUEST_INVALID'
    ],
    ['an unknown path', `GET /nowhere HTTP/1.1\r\n${CLOSE}\r\n`, 404, 'KTL_NOT_FOUND'],
    ['a method that Fastify does not route', `PROPFIND /ping HTTP/1.1\r\n${CLOSE}\r\n`, 405, 'KTL_METHOD_NOT_ALLOWED'],
    ['a method that echoes', `TRACE /ping HTTP/1.1\r\n${CLOSE}\r\n`, 405, 'KTL_METHOD_NOT_ALLOWED'],
    [
      'a body that is too large',
      `PUT /ping HTTP/1.1\r\n${CLOSE}Content-Length: 70000\r\n\r\n`,
      413,
      'KTL_BODY_TOO_LARGE'
    ]
  ])('or is refused by the router: %s', async (_name, text, status, code) => {
    expectRefusal(await exchange(text), status, code)
  })

  it('comes too slowly', async () => {
    shortenTimeouts()

    const received = await exchange(`PUT /ping HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\n`)

    expectRefusal(received, 408, 'KTL_REQUEST_TIMEOUT')
  }, 60_000)

  it('is not answered in the middle of an answer', async () => {
    shortenTimeouts()

    const received = await exchange(`PUT /half HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\n`)

    expect(received.split('HTTP/1.1')).toHaveLength(2)
    expect(received).toMatch(/begun\r\n$/)
  }, 60_000)

  it('is TLS on a port without: closed without an answer, which a client would take for a broken one', async () => {
    sharePort(app.server, {})

    expect(await exchange(Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3]))).toBe('')
  })

  it('comes while the process ends', async () => {
    let release = () => {}
    held = new Promise((resolve) => (release = resolve))
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    await once(socket, 'connect')
    const closing = app.close()

    socket.write(`GET /pods/a HTTP/1.1\r\n${HOST}\r\n`)
    const [received] = (await once(socket, 'data')) as [Buffer]

    expectRefusal(received.toString(), 503, 'KTL_SHUT_DOWN')
    release()
    await closing
  })

  it('leaves requests of old clients alone, which know no Host', async () => {
    const received = await exchange('GET /pods/a HTTP/1.0\r\n\r\n')

    expect(answerOf(received)).toMatchObject({ status: 200, body: '{"ok":true}' })
  })
})
