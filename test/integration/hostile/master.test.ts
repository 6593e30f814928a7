import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { runCheck } from '../../../src/slave/check.ts'
import { KeepaliveLoop } from '../../../src/slave/keepalive-loop.ts'
import { ZerorpcClient } from '../../../src/zerorpc/zerorpc-client.ts'
import { eventually } from '../../support/eventually.ts'
import {
  answerJson,
  hostileAnswers,
  mutated,
  pour,
  startHostileServer,
  tryAllAtOnce,
  type RawAnswer
} from '../../support/neighbours/hostile-server.ts'
import { recordingLogger } from '../../support/test-logger.ts'
import { event, message, READY_DEALER, SERVER_HELLO } from '../../support/zerorpc/raw-zerorpc.ts'

const MEBIBYTE = 2 ** 20
/** What the kernel holds of a connection that is not read. */
const MOST_TAKEN = 24 * MEBIBYTE

function loopOf(master: string) {
  const { logger, lines } = recordingLogger()
  const loop = new KeepaliveLoop({
    self: { app: 'web', id: 'w', ip: '127.0.0.11', role: 'r' },
    masters: [master],
    port: 8000,
    ttlMs: 800,
    payload: undefined,
    connectZerorpc: (address) => new ZerorpcClient(address),
    clock: systemClock,
    logger
  })
  loop.start()
  return { loop, lines }
}

describe('a master that is none', () => {
  const answers: Record<string, RawAnswer> = {
    ...hostileAnswers('OK'),
    'a refusal in control characters': (socket) => answerJson(socket, '\x1b]0;title\x07\x9b31m'.repeat(1000), 500),
    'a greeting of ZMTP, and silence': (socket) => socket.write(SERVER_HELLO),
    'bytes that begin like ZMTP': (socket) => void pour(socket, Buffer.alloc(64 * 1024, 0xff))
  }

  it('is asked again, takes no memory, and is found when it is one', () =>
    tryAllAtOnce(answers, async (answer) => {
      await using master = await startHostileServer(answer)
      const { loop, lines } = loopOf(`127.0.0.1:${master.port}`)
      try {
        await eventually(() => master.requests.length >= 3)

        expect(master.requests.every((request) => request === 'PUT /ping')).toBe(true)
        // 0.75 TTL, and sooner than that after a failure, but not much sooner.
        expect(master.taken()).toBeLessThan(master.requests.length * MOST_TAKEN)
        for (const line of lines) expect(JSON.stringify(line).length).toBeLessThan(1500)
        master.answer = (socket) => answerJson(socket, '"OK"')
        await eventually(() => loop.status()[0]?.reachable)
      } finally {
        await loop.leave()
      }
    }))
})

describe('a service that is none', () => {
  it('is judged in time, whatever it answers', () =>
    tryAllAtOnce(hostileAnswers('fine'), async (answer, what) => {
      await using service = await startHostileServer(answer)
      const startedAt = performance.now()

      const failure = await runCheck({ kind: 'http', url: `http://127.0.0.1:${service.port}/health` }, 500)

      expect(performance.now() - startedAt).toBeLessThan(5000)
      if (/silence$|^another protocol|^wait|header|no HTTP/.test(what) && !what.startsWith('half'))
        expect(failure).toBeTypeOf('string')
      expect(service.taken()).toBeLessThan(MOST_TAKEN)
    }))
})

/** A master of Kontrol's last generation, which says this once a keepalive came; in the end, all connections are closed. */
async function startOldMaster(say: (socket: Socket, id: string) => void) {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.write(SERVER_HELLO)
    let received = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const id = /message_id\xc4\x20([0-9a-f]{32})/.exec(received.toString('latin1'))?.[1]
      if (id === undefined) return
      received = Buffer.alloc(0)
      say(socket, id)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    taken: () => sockets.reduce((sum, { bytesWritten, writableLength }) => sum + bytesWritten - writableLength, 0),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}

const answerTo = (id: string, name = 'OK', args: string[] = []): Buffer =>
  message(event(name, args, 'python 3', { responseTo: id }))
const frame = (flags: number, body: Buffer): Buffer => {
  const length = Buffer.alloc(8)
  length.writeUInt32BE(body.length, 4)
  return Buffer.concat([Buffer.of(flags | 2), length, body])
}
const ping = (contextBytes: number): Buffer =>
  frame(4, Buffer.concat([Buffer.from('\x04PING\0\x01', 'latin1'), Buffer.alloc(contextBytes, 0x61)]))

describe('a master of the last generation that is none', () => {
  const nested = Buffer.concat([
    Buffer.from([0x93, 0x80, 0xa2, 0x4f, 0x4b]),
    Buffer.alloc(60_000, 0x91),
    Buffer.of(0xc0)
  ])
  const sayings: Record<string, (socket: Socket, id: string) => unknown> = {
    nothing: () => {},
    'the end': (socket) => socket.destroy(),
    'a frame of more bytes than there are': (socket) => socket.write(Buffer.from('02ffffffffffffffff', 'hex')),
    'frames without an end': (socket) => pour(socket, frame(1, Buffer.alloc(1000))),
    'half a message, and silence': (socket, id) => socket.write(answerTo(id).subarray(0, 30)),
    'messages to nobody, without an end': (socket) => pour(socket, answerTo('0'.repeat(32))),
    'heartbeats without an end': (socket, id) => pour(socket, answerTo(id, '_zpc_hb')),
    'pings without an end': (socket) => pour(socket, Buffer.concat(Array.from({ length: 1000 }, () => ping(16)))),
    'pings of a kilobyte': (socket) => pour(socket, ping(1000)),
    'an error without an end': (socket) => socket.write(frame(4, Buffer.from(`\x05ERROR${'x'.repeat(60_000)}`))),
    'READY again and again': (socket) => pour(socket, READY_DEALER),
    'a refusal of many words': (socket, id) => socket.write(answerTo(id, 'ERR', ['x'.repeat(60_000)])),
    'a message of sixty thousand brackets': (socket) => socket.write(message(nested)),
    'a map with a prototype': (socket) =>
      socket.write(message(Buffer.from('9381a95f5f70726f746f5f5f80a24f4b90', 'hex')))
  }

  it('fails in time, with a code, and takes no memory, whatever it says', () =>
    tryAllAtOnce(sayings, async (say) => {
      await using master = await startOldMaster(say)
      const client = new ZerorpcClient({ host: '127.0.0.1', port: master.port, name: 'old' })

      const error = await client.send('{}', AbortSignal.timeout(500)).catch((reason: unknown) => reason)

      expect(error).toBeInstanceOf(KontrolError)
      expect(error).toMatchObject({ code: 'KTL_MASTER_UNREACHABLE' })
      expect((error as Error).message.length).toBeLessThan(1000)
      await client.close()
    }))

  it('is not answered more than it reads, between keepalives neither', async () => {
    const pings = Buffer.concat(Array.from({ length: 1000 }, () => ping(16)))
    await using master = await startOldMaster((socket, id) => {
      socket.pause()
      socket.write(answerTo(id))
      void pour(socket, pings)
    })
    const client = new ZerorpcClient({ host: '127.0.0.1', port: master.port, name: 'old' })
    await client.send('{}', AbortSignal.timeout(5000))

    // Neither side reads any more: what is under way stays what it is.
    const settled = await eventually(async () => {
      const before = master.taken()
      await new Promise((resolve) => setTimeout(resolve, 300))
      return before === master.taken() ? before : undefined
    })
    expect(settled).toBeLessThan(MOST_TAKEN)
    await client.close()
  })

  it('takes the keepalive, or fails with a code, whichever bytes are wrong', async () => {
    let seed = 0
    await using master = await startOldMaster((socket, id) =>
      socket.write(mutated(seed, answerTo(id).toString('latin1')))
    )
    for (; seed < 100; seed++) {
      const client = new ZerorpcClient({ host: '127.0.0.1', port: master.port, name: 'old' })
      const error = await client.send('{}', AbortSignal.timeout(50)).catch((reason: unknown) => reason)
      if (error !== undefined) expect(error).toMatchObject({ code: 'KTL_MASTER_UNREACHABLE' })
      await client.close()
    }
  })
})
