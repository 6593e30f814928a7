import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { eventually } from '../eventually.ts'

/**
 * The bytes of a ZeroRPC client, put together from the protocol's description
 * and not by the code under test.
 */

/** ff 00*7 01 7f | 03 01 | "NULL" padded to 20 | as-server 0 | 31 × 00 */
export const GREETING = Buffer.from(`ff00000000000000017f03014e554c4c${'00'.repeat(16)}00${'00'.repeat(31)}`, 'hex')

/** 04 29 READY  Socket-Type=DEALER Identity="" */
export const READY_DEALER = Buffer.concat([
  Buffer.from('0429', 'hex'),
  Buffer.from('\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00', 'latin1')
])

/** What the server has to say first: the same greeting, then READY as ROUTER. */
export const SERVER_HELLO = Buffer.concat([
  GREETING,
  Buffer.from('0429', 'hex'),
  Buffer.from('\x05READY\x0bSocket-Type\x00\x00\x00\x06ROUTER\x08Identity\x00\x00\x00\x00', 'latin1')
])

/** How a client writes its strings: Python 3 sends ids as bin8 and texts as str, Python 2 everything as raw or as bin. */
export type Encoding = 'python 3' | 'python 2 raw' | 'python 2 bin'

/** Id of an event, unless told. */
export const ID = '0123456789abcdef0123456789abcdef'

export const otherId = (number: number): string => number.toString(16).padStart(32, '0')

export interface EventIds {
  id?: string
  responseTo?: string
}

export function event(name: string, args: string[] | number[], encoding: Encoding, ids: EventIds = {}): Buffer {
  const { id = ID, responseTo } = ids
  const inText = encoding === 'python 2 bin' ? bin : raw
  const inId = encoding === 'python 2 raw' ? raw : bin
  const header = [
    Buffer.of(responseTo === undefined ? 0x82 : 0x83),
    inText('message_id'),
    inId(id),
    inText('v'),
    Buffer.of(3),
    ...(responseTo === undefined ? [] : [inText('response_to'), inId(responseTo)])
  ]
  const values = args.map((arg) => (typeof arg === 'number' ? Buffer.of(arg) : inText(arg)))
  return Buffer.concat([Buffer.of(0x93), ...header, inText(name), Buffer.of(0x90 | args.length), ...values])
}

/** An empty delimiter with "more", then the event in a frame of either length. */
export function message(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from('0100', 'hex'), frame(body)])
}

function frame(body: Buffer): Buffer {
  if (body.length < 256) return Buffer.concat([Buffer.of(0, body.length), body])
  const length = Buffer.alloc(8)
  length.writeUInt32BE(body.length, 4)
  return Buffer.concat([Buffer.of(2), length, body])
}

/** fixraw and raw 16 of the old msgpack, which are fixstr and str 16 of the new. */
function raw(text: string): Buffer {
  const bytes = Buffer.from(text)
  const head = bytes.length < 32 ? [0xa0 | bytes.length] : [0xda, bytes.length >> 8, bytes.length & 255]
  return Buffer.concat([Buffer.from(head), bytes])
}

function bin(text: string): Buffer {
  const bytes = Buffer.from(text)
  const head = bytes.length < 256 ? [0xc4, bytes.length] : [0xc5, bytes.length >> 8, bytes.length & 255]
  return Buffer.concat([Buffer.from(head), bytes])
}

export interface RawClient {
  socket: Socket
  received: () => Buffer
  /** Resolves when that many bytes have come. */
  gets: (count: number) => Promise<Buffer>
  closed: () => boolean
}

/** @param where port of this host, or path of a unix socket that leads there */
export async function connectRaw(where: number | string): Promise<RawClient> {
  const socket = typeof where === 'string' ? connect(where) : connect(where, '127.0.0.1')
  let received = Buffer.alloc(0)
  let closed = false
  socket.on('data', (chunk: Buffer) => (received = Buffer.concat([received, chunk])))
  socket.on('close', () => (closed = true))
  socket.on('error', () => {})
  await once(socket, 'connect')
  return {
    socket,
    received: () => received,
    gets: (count) => eventually(() => (received.length >= count ? received : undefined)),
    closed: () => closed
  }
}
