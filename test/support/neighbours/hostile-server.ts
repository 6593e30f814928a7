import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '../seeded-random.ts'

/** Answers one request in raw bytes. It may go on as long as the socket lives. */
export type RawAnswer = (socket: Socket, request: string) => void

export interface HostileServer extends AsyncDisposable {
  port: number
  /** First lines of the requests so far, `PUT /ping`. */
  requests: string[]
  /** Bytes that the other side, or its kernel, has taken. */
  taken(): number
  /** What it answers from now on. */
  answer: RawAnswer
}

/** A neighbour that is whatever it likes to be: HTTP/1.1 by hand, over TLS when there is a certificate. */
export async function startHostileServer(
  answer: RawAnswer,
  tls?: { key: string; cert: string }
): Promise<HostileServer> {
  const sockets = new Set<Socket>()
  const requests: string[] = []
  let taken = 0
  const onConnection = (socket: Socket): void => {
    sockets.add(socket)
    let received = ''
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      taken += socket.bytesWritten
    })
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      for (let end = endOfRequest(received); end !== undefined; end = endOfRequest(received)) {
        const request = received.slice(0, end)
        received = received.slice(end)
        requests.push(request.split(' ', 2).join(' '))
        server.answer(socket, request)
      }
    })
  }
  const listener = tls === undefined ? createServer(onConnection) : createTlsServer(tls, onConnection)
  // A client that goes away in the middle of the handshake is its right.
  listener.on('tlsClientError', () => {})
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const server: HostileServer = {
    port: (listener.address() as AddressInfo).port,
    requests,
    taken: () =>
      [...sockets].reduce((sum, { bytesWritten, writableLength }) => sum + bytesWritten - writableLength, taken),
    answer,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
    }
  }
  return server
}

function endOfRequest(received: string): number | undefined {
  const head = received.indexOf('\r\n\r\n')
  if (head === -1) return undefined
  const length = /^content-length: *(\d+)/im.exec(received.slice(0, head))?.[1] ?? '0'
  const end = head + 4 + Number(length)
  return received.length < end ? undefined : end
}

/** A well-formed answer of JSON. */
export function answerJson(socket: Socket, body: string | Buffer, status = 200): void {
  // In one packet where it fits: a second one would wait for the first to be confirmed.
  socket.cork()
  head(socket, [`content-length: ${Buffer.byteLength(body)}`], status)
  socket.write(body)
  socket.uncork()
}

function head(socket: Socket, headers: readonly string[], status = 200): void {
  socket.write([`HTTP/1.1 ${status} Whatever`, 'content-type: application/json', ...headers, '', ''].join('\r\n'))
}

/** Begins an answer without a length, which goes on until somebody ends it. */
export const beginStream = (socket: Socket, status = 200): void => head(socket, ['connection: close'], status)

/** Writes the same for ever, as fast as it is read. */
export async function pour(socket: Socket, piece: string | Buffer): Promise<void> {
  let goOn = (): void => {}
  socket.on('drain', () => goOn()).on('close', () => goOn())
  while (!socket.destroyed) if (!socket.write(piece)) await new Promise<void>((resolve) => (goOn = resolve))
}

/** Writes the same for ever, a little at a time. */
async function drip(socket: Socket, piece: string): Promise<void> {
  while (!socket.destroyed) {
    socket.write(piece)
    await sleep(10)
  }
}

const BRACKETS = 100_000
const deep = `${'['.repeat(BRACKETS)}${']'.repeat(BRACKETS)}`
const PIECE = 64 * 1024

/** Bodies that are no answer to anything; `good` would be one. */
export function hostileBodies(good: string): Record<string, string | Buffer> {
  const half = good.slice(0, good.length / 2)
  return {
    'nothing at all': '',
    'no JSON': '<html>\x1b[31mGateway',
    null: 'null',
    'a number beyond all numbers': '1e999',
    'an array': '[{}]',
    'another object': '{"kind":"ConfigMap","metadata":{"name":"other","annotations":{"a":1}}}',
    'a status that is none': '{"kind":"Status","status":"Success","message":{"toString":1},"code":"x"}',
    'a prototype': '{"__proto__":{"metadata":{"name":"x"},"header":{},"kvs":[]},"constructor":1}',
    'a hundred thousand brackets': deep,
    'a hundred thousand brackets that do not end': '['.repeat(BRACKETS),
    NUL: `${half}\0${good.slice(half.length)}`,
    'invalid UTF-8': Buffer.concat([Buffer.from('{"message":"'), Buffer.from([0xff, 0xc0, 0x80]), Buffer.from('"}')]),
    'half of it': half
  }
}

/** Ways to answer that end by a limit of the reader, or not at all. */
export function hostileAnswers(good: string): Record<string, RawAnswer> {
  const half = good.slice(0, good.length / 2)
  return {
    'a body without an end': (socket) => (beginStream(socket), void pour(socket, ' '.repeat(PIECE))),
    'chunks without an end': (socket) => {
      head(socket, ['transfer-encoding: chunked'])
      void pour(socket, `${PIECE.toString(16)}\r\n${'x'.repeat(PIECE)}\r\n`)
    },
    'one byte after the other': (socket) => (beginStream(socket), void drip(socket, ' ')),
    'half a chunk, and silence': (socket) => {
      head(socket, ['transfer-encoding: chunked'])
      socket.write(`ffff\r\n${half}`)
    },
    'half a body, and silence': (socket) => {
      head(socket, [`content-length: ${good.length}`])
      socket.write(half)
    },
    'half a body, and the end': (socket) => {
      head(socket, [`content-length: ${good.length}`])
      socket.end(half)
    },
    'chunks that are none': (socket) => {
      head(socket, ['transfer-encoding: chunked'])
      socket.write(`xyz\r\n${good}\r\n0\r\n\r\n`)
    },
    'two lengths': (socket) => {
      head(socket, ['content-length: 1', `content-length: ${good.length}`])
      socket.write(good)
    },
    silence: () => {},
    'the end': (socket) => socket.end(),
    'ten thousand headers': (socket) => {
      head(
        socket,
        Array.from({ length: 10_000 }, (_, index) => `x-${index}: ${index}`)
      )
      socket.write(good)
    },
    'headers without an end': (socket) => (
      socket.write('HTTP/1.1 200 OK\r\n'),
      void pour(socket, 'a: b\r\n'.repeat(500))
    ),
    'a redirect to itself': (socket) => {
      head(socket, ['location: /', 'content-length: 0'], 302)
    },
    'another protocol': (socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n'),
    'wait, without an end': (socket) => void drip(socket, 'HTTP/1.1 100 Continue\r\n\r\n'),
    'no HTTP': (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
    'an error without an end': (socket) => (beginStream(socket, 500), void pour(socket, 'x'.repeat(PIECE))),
    'an error that drips': (socket) => (beginStream(socket, 503), void drip(socket, 'x')),
    ...Object.fromEntries(
      Object.entries(hostileBodies(good)).map(([what, body]): [string, RawAnswer] => [
        what,
        (socket) => answerJson(socket, body)
      ])
    )
  }
}

/** All at once, as many of them take their time; says which failed. */
export async function tryAllAtOnce<T>(
  table: Record<string, T>,
  attempt: (of: T, what: string) => Promise<void>
): Promise<void> {
  const tried = Object.entries(table).map(([what, of]) =>
    attempt(of, what).catch((cause: unknown) => {
      throw new Error(what, { cause })
    })
  )
  await Promise.allSettled(tried)
  await Promise.all(tried)
}

/** The same with some bytes changed, doubled or cut, differently for each seed. */
export function mutated(seed: number, good: string): Buffer {
  const random = new SeededRandom(seed)
  const bytes = Buffer.from(good)
  for (let changes = 1 + random.below(5); changes > 0; changes--) bytes[random.below(bytes.length)] = random.below(256)
  return random.chance(0.2) ? bytes.subarray(0, random.below(bytes.length)) : bytes
}
