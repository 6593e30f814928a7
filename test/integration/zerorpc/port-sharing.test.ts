import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Agent, request } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/platform/clock.ts'
import { sharePort, type PortSharingOptions } from '../../../src/zerorpc/port-sharing.ts'
import { ZerorpcServer } from '../../../src/zerorpc/zerorpc-server.ts'
import { selfSigned } from '../../support/certificates.ts'
import { eventually } from '../../support/eventually.ts'
import { makeAccess } from '../../support/registry/make-access.ts'
import { connectRaw, GREETING, SERVER_HELLO } from '../../support/zerorpc/raw-zerorpc.ts'
import { silentLogger } from '../../support/test-logger.ts'
import { NpmZerorpcClient } from '../../support/zerorpc/zerorpc-clients.ts'

const keepalive =
  '{"app": "web", "id": "web-127-0-0-11", "ip": "127.0.0.11", "key": "2kce4X", "payload": "", "role": "r"}'

/** A request of Kontrol's HTTP generation, byte for byte. */
const originalRequest = [
  'PUT /ping HTTP/1.1',
  'Host: 127.0.0.20:8000',
  'User-Agent: python-requests/2.28.1',
  'Accept-Encoding: gzip, deflate',
  'Accept: */*',
  'Connection: keep-alive',
  'Content-Type: application/json',
  'Content-Length: 103',
  '',
  keepalive
].join('\r\n')

const stops: (() => unknown)[] = []

async function share(http: Server, options: Partial<PortSharingOptions> = {}) {
  const pings: string[] = []
  const zerorpc = new ZerorpcServer({
    callerAt: (address) => makeAccess().callerAt(address),
    handlers: { ping: (raw) => void pings.push(raw), invoke: async () => 'done' },
    logger: silentLogger(),
    clock: systemClock
  })
  const sharing = sharePort(http, { zmtp: (socket, firstChunk) => zerorpc.accept(socket, firstChunk), ...options })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  stops.push(async () => {
    sharing.close()
    await zerorpc.close()
    http.closeAllConnections()
    http.close()
  })
  return { pings, sharing, zerorpc, port: (http.address() as AddressInfo).port }
}

/** Answers each request with what it got. */
const echo = (options = {}) =>
  createServer(options, (request, response) => {
    void text(request).then((body) => response.end(`${request.method} ${request.url} ${body}`))
  })

const raw = async (port: number) => {
  const client = await connectRaw(port)
  stops.push(() => client.socket.destroy())
  return client
}

describe('sharePort', () => {
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  it('serves the request of the original over HTTP', async () => {
    const { port } = await share(echo())
    const { socket, received } = await raw(port)

    socket.write(originalRequest)

    const answer = await eventually(() => received().toString().includes(keepalive) && received().toString())
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*PUT \/ping \{"app": "web"/)
  })

  it('serves requests that are cut anywhere, their first byte included, and several at once', async () => {
    const { port } = await share(echo())
    const { socket, received } = await raw(port)
    socket.setNoDelay(true)

    for (const byte of Buffer.from(originalRequest)) {
      socket.write(Buffer.of(byte))
      await new Promise(setImmediate)
    }
    socket.write(originalRequest + originalRequest)

    await eventually(() => received().toString().split(keepalive).length === 4)
  })

  it('closes a connection that stays silent', async () => {
    const { port } = await share(echo(), { sniffTimeoutMs: 200 })
    const { closed } = await raw(port)

    await eventually(closed)
  })

  it('closes a connection that ends before it said anything', async () => {
    const { port } = await share(echo())
    const { socket, closed } = await raw(port)

    socket.end()

    await eventually(closed)
  })

  it('leaves the time-outs of the server in force', async () => {
    const { port } = await share(
      echo({ headersTimeout: 300, requestTimeout: 300, connectionsCheckingInterval: 100, keepAliveTimeout: 300 })
    )
    const slow = await raw(port)
    slow.socket.write('PUT /ping HTTP/1.1\r\nHost: a\r\n')
    const kept = await raw(port)
    kept.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')

    await eventually(() => slow.closed() && kept.closed())

    expect(slow.received().toString()).toMatch(/^HTTP\/1.1 408/)
    expect(kept.received().toString()).toMatch(/^HTTP\/1.1 200/)
  })

  it('lets the server answer garbage', async () => {
    const { port } = await share(echo())
    const { socket, closed, received } = await raw(port)

    socket.write(Buffer.from('0001020304', 'hex'))

    await eventually(closed)
    expect(received().toString()).toMatch(/^HTTP\/1.1 400/)
  })

  it('closes ZMTP connections when nobody takes them', async () => {
    const { port } = await share(echo(), { zmtp: undefined })
    const { socket, closed, received } = await raw(port)

    socket.write(GREETING)

    await eventually(closed)
    expect(received()).toHaveLength(0)
  })

  it('closes the silent connections on demand, so that the server can end', async () => {
    const http = echo()
    const { port, sharing } = await share(http, { sniffTimeoutMs: 60_000 })
    await raw(port)
    await eventually(async () => (await connectionsOf(http)) === 1)

    const ended = once(http, 'close')
    http.close()
    sharing.close()

    await ended
  })

  describe('with TLS', () => {
    const ask = async (origin: string) => {
      const agent = new Agent({ connect: { rejectUnauthorized: false } })
      stops.push(() => agent.close())
      const { body } = await request(`${origin}/ping`, { method: 'PUT', body: keepalive, dispatcher: agent })
      return body.text()
    }

    it('shares the port of an HTTPS server', async () => {
      const https = createHttpsServer(await selfSigned(), (_request, response) => response.end('secret'))
      const { port, pings } = await share(https)

      expect(await ask(`https://127.0.0.1:${port}`)).toBe('secret')
      const client = new NpmZerorpcClient(port)
      stops.push(() => client.close())
      await client.call('ping', keepalive)
      expect(pings).toEqual([keepalive])
    })

    it('hands a TLS handshake to the one who takes it, beside plain HTTP', async () => {
      const https = createHttpsServer(await selfSigned(), (_request, response) => response.end('secret'))
      const { port } = await share(echo(), { tls: (socket) => https.emit('connection', socket) })

      expect(await ask(`https://127.0.0.1:${port}`)).toBe('secret')
      expect(await ask(`http://127.0.0.1:${port}`)).toBe(`PUT /ping ${keepalive}`)
    })
  })

  it('serves both kinds at once under load, with slow and broken connections beside them', async () => {
    const { port, pings, zerorpc } = await share(echo(), { sniffTimeoutMs: 60_000 })
    for (let i = 0; i < 20; i++) {
      const [silent, loris, greeting, garbage, hello] = await Promise.all([1, 2, 3, 4, 5].map(() => raw(port)))
      silent?.socket.setNoDelay(true)
      loris?.socket.write('PUT /ping HTTP/1.1\r\nX-Slow: ')
      greeting?.socket.write(GREETING.subarray(0, 1 + i))
      garbage?.socket.write(Buffer.concat([GREETING, Buffer.from(`f${i % 10}`.repeat(50), 'hex')]))
      hello?.socket.write(Buffer.from('160301', 'hex'))
    }
    const drips = setInterval(() => void raw(port).then(({ socket }) => socket.write(Buffer.of(0xff))), 50)
    stops.push(() => clearInterval(drips))
    const agent = new Agent({ connections: 20 })
    stops.push(() => agent.close())
    const clients = Array.from({ length: 20 }, () => new NpmZerorpcClient(port))
    stops.push(() => clients.forEach((client) => client.close()))

    const overHttp = Array.from({ length: 1000 }, async () => {
      const { body } = await request(`http://127.0.0.1:${port}/ping`, {
        method: 'PUT',
        body: keepalive,
        dispatcher: agent
      })
      return body.text()
    })
    const overZerorpc = Array.from({ length: 1000 }, (_, i) => clients[i % clients.length]?.call('ping', keepalive))
    const answers = await Promise.all([...overHttp, ...overZerorpc])

    expect(answers.filter((answer) => answer === `PUT /ping ${keepalive}`)).toHaveLength(1000)
    expect(answers.filter((answer) => answer === null)).toHaveLength(1000)
    expect(pings).toHaveLength(1000)
    // Those that shook hands with garbage behind it.
    expect(zerorpc.status().cutOff).toBeGreaterThanOrEqual(20)
  })

  it('greets a ZMTP client whose first byte comes alone', async () => {
    const { port } = await share(echo())
    const { socket, gets } = await raw(port)

    socket.write(GREETING.subarray(0, 1))

    expect((await gets(GREETING.length)).equals(SERVER_HELLO.subarray(0, GREETING.length))).toBe(true)
  })
})

const connectionsOf = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.getConnections((error, count) => {
      if (error === null) resolve(count)
      else reject(error)
    })
  })
