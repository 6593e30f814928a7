import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { selfSigned } from '../support/certificates.ts'

/** Every address of 127.0.0.0/8 is a pod: which one was meant is told by the address that a connection came to. */
export interface Pods extends Disposable {
  port: number
  /** Answers agent checks with one line. */
  agentPort: number
  /** What has come to a pod since it was last forgotten, each shape once: of checks, or of clients. */
  shapes(address: string): Shapes
  /** Of all pods whose addresses begin so. */
  forget(prefix: string): void
}

export interface Shapes {
  checks: ReadonlySet<string>
  traffic: ReadonlySet<string>
}

/** Pods whose last number is at least this fail their checks. */
export const SICK = 200

/** Requests of the oracle's client carry it; what comes without is a health check. */
export const PROBE_HEADER = 'x-probe'

interface Connection {
  /** What stood before the request: PROXY header, TLS with its server name. */
  before: string
  pod: string
  /** A request has come. One that ends without is a check that only connects. */
  asked: boolean
}

export async function startPods(port: number): Promise<Pods> {
  const secureContext = createSecureContext(await selfSigned())
  const shapes = new Map<string, { checks: Set<string>; traffic: Set<string> }>()
  const connections = new WeakMap<Socket, Connection>()
  const sockets = new Set<Socket>()
  const of = (pod: string): { checks: Set<string>; traffic: Set<string> } => {
    const known = shapes.get(pod) ?? { checks: new Set(), traffic: new Set() }
    shapes.set(pod, known)
    return known
  }

  const http = createHttpServer({ keepAlive: true }, (request, response) => {
    const connection = connections.get(request.socket)
    if (connection === undefined) return response.destroy()
    connection.asked = true
    const { before, pod } = connection
    const isCheck = request.headers[PROBE_HEADER] === undefined
    if (isCheck) of(pod).checks.add(`${before}${checkLine(request)}`)
    else of(pod).traffic.add(before)
    answer(request, response, pod, isCheck)
  })

  // HAProxy alone lets go of what is idle: what closes as it is used again fails a client, on whichever side is the slower one.
  http.keepAliveTimeout = 0

  const takeConnection = (socket: Socket): void => {
    const connection = { before: '', pod: socket.localAddress ?? '', asked: false }
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      sockets.delete(socket)
      if (!connection.asked) of(connection.pod).checks.add(`${connection.before}connect`)
    })
    let bytes = Buffer.alloc(0)
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk])
      const header = proxyHeader(bytes)
      if (header === 'more') return
      if (header !== undefined) {
        connection.before += `${header.text} `
        bytes = bytes.subarray(header.length)
      }
      if (bytes.length === 0) return
      socket.off('data', onData)
      socket.pause()
      socket.unshift(bytes)
      if (bytes[0] === 0x16) takeTls(socket, connection)
      else takeRequests(socket, connection)
    }
    socket.on('data', onData)
  }

  const takeTls = (socket: Socket, connection: Connection): void => {
    const tls = new TLSSocket(socket, {
      isServer: true,
      secureContext,
      ALPNProtocols: ['http/1.1'],
      SNICallback: anyName
    })
    tls.on('error', () => socket.destroy())
    tls.once('secure', () => {
      const { servername, alpnProtocol } = tls as TLSSocket & { servername?: string | false }
      connection.before += `tls(${servername || '-'},${alpnProtocol || '-'}) `
      takeRequests(tls, connection)
    })
  }

  const takeRequests = (socket: Socket, connection: Connection): void => {
    connections.set(socket, connection)
    http.emit('connection', socket)
    socket.resume()
  }

  const server = createServer({ allowHalfOpen: false }, takeConnection)
  const agent = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.end(`${agentWord(socket.localAddress ?? '')}\n`)
  })
  await Promise.all([listen(server, port), listen(agent, port + 1)])
  return {
    port,
    agentPort: port + 1,
    shapes: (address) => of(address),
    forget(prefix) {
      for (const pod of [...shapes.keys()].filter((address) => address.startsWith(prefix))) shapes.delete(pod)
    },
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy()
      // A connection that broke off in its handshake may never be told closed: it is not waited for.
      server.close()
      agent.close()
    }
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen({ port, host: '0.0.0.0', exclusive: true })
  await once(server, 'listening')
}

function anyName(_name: string, done: (error: Error | null) => void): void {
  done(null)
}

function numberOf(address: string): number {
  return Number(address.split('.')[3])
}

function agentWord(address: string): string {
  return numberOf(address) % 5 === 0 ? '50%' : 'up'
}

function checkLine({ method, url, httpVersion, headers }: IncomingMessage): string {
  const { host = '-', connection = '-' } = headers
  return `${method} ${url} HTTP/${httpVersion} host=${host.replace(/^127\.\d+\./, '127.x.')} ${connection}`
}

function answer(request: IncomingMessage, response: ServerResponse, pod: string, isCheck: boolean): void {
  request.resume()
  response.statusCode = isCheck && numberOf(pod) >= SICK ? 503 : 200
  const seen = Object.entries(request.headers).filter(([name]) => /^x-(?!probe)/.test(name))
  response.end(JSON.stringify({ pod, url: request.url, seen: Object.fromEntries(seen) }))
}

const V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** Version and kind of a PROXY header, without the addresses and ports in it, which differ by nature. */
function proxyHeader(bytes: Buffer): { text: string; length: number } | 'more' | undefined {
  if (bytes.subarray(0, 6).toString('latin1') === 'PROXY ') {
    const end = bytes.indexOf('\r\n')
    return end === -1
      ? 'more'
      : { text: `v1(${bytes.subarray(6, end).toString('latin1').split(' ')[0]})`, length: end + 2 }
  }
  return bytes[0] === V2[0] ? proxyHeaderV2(bytes) : undefined
}

function proxyHeaderV2(bytes: Buffer): { text: string; length: number } | 'more' | undefined {
  if (bytes.length < 16) return 'more'
  if (!bytes.subarray(0, 12).equals(V2)) return undefined
  const length = 16 + bytes.readUInt16BE(14)
  if (bytes.length < length) return 'more'
  const command = bytes[12] === 0x20 ? 'LOCAL' : 'PROXY'
  const family = bytes[13] ?? 0
  const addresses = { 0x11: 12, 0x21: 36 }[family] ?? 0
  return { text: `v2(${command},${family},${tlvTypes(bytes.subarray(16 + addresses, length))})`, length }
}

function tlvTypes(bytes: Buffer): string {
  const types: string[] = []
  for (let at = 0; at + 3 <= bytes.length; at += 3 + bytes.readUInt16BE(at + 1))
    types.push((bytes[at] ?? 0).toString(16))
  return types.join('+')
}
