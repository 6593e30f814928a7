import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeMulti } from '@msgpack/msgpack'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/platform/clock.ts'
import { sharePort } from '../../../src/zerorpc/port-sharing.ts'
import type { ZerorpcLimits } from '../../../src/zerorpc/zerorpc-limits.ts'
import { ZerorpcServer } from '../../../src/zerorpc/zerorpc-server.ts'
import { eventually } from '../../support/eventually.ts'
import {
  connectRaw,
  event,
  GREETING,
  ID,
  message,
  otherId,
  READY_DEALER,
  SERVER_HELLO,
  type Encoding
} from '../../support/zerorpc/raw-zerorpc.ts'
import { makeAccess } from '../../support/registry/make-access.ts'
import { recordingLogger } from '../../support/test-logger.ts'
import { NpmZerorpcClient } from '../../support/zerorpc/zerorpc-clients.ts'

const keepalive = '{"app": "web", "id": "w", "ip": "10.0.0.1", "key": "k", "nonce": "00", "payload": "", "role": "r"}'
const stops: (() => unknown)[] = []

interface Invocation {
  raw: string
  signal: AbortSignal
  finish: (output: string | null) => void
}

async function start(limits: Partial<ZerorpcLimits> = {}) {
  const pings: string[] = []
  const invocations: Invocation[] = []
  const { logger, lines } = recordingLogger()
  const server = new ZerorpcServer({
    handlers: {
      ping: (raw) => {
        if (raw === 'bad') throw new Error('bad keepalive')
        pings.push(raw)
      },
      invoke: (raw, _caller, signal) => new Promise((finish) => invocations.push({ raw, signal, finish }))
    },
    callerAt: (address) => makeAccess().callerAt(address),
    logger,
    clock: systemClock,
    limits
  })
  const http = createServer()
  sharePort(http, { zmtp: (socket, firstChunk) => server.accept(socket, firstChunk) })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  stops.push(async () => {
    for (const { finish } of invocations) finish(null)
    await server.close()
    http.close()
  })
  const npm = (options?: { timeout?: number; heartbeatInterval?: number }) => {
    const client = new NpmZerorpcClient(port, options)
    stops.push(() => client.close())
    return client
  }
  const raw = async () => {
    const client = await connectRaw(port)
    stops.push(() => client.socket.destroy())
    return client
  }
  /** A raw client that has shaken hands. */
  const ready = async () => {
    const client = await raw()
    client.socket.write(Buffer.concat([GREETING, READY_DEALER]))
    await client.gets(SERVER_HELLO.length)
    return client
  }
  return { server, port, pings, invocations, lines, npm, raw, ready }
}

/** The events after the handshake, without their frames. */
function events(received: Buffer): [Record<string, unknown>, string, unknown[]][] {
  const found: [Record<string, unknown>, string, unknown[]][] = []
  for (let at = SERVER_HELLO.length; at < received.length;) {
    expect(received.subarray(at, at + 2)).toEqual(Buffer.of(1, 0))
    const size = received[at + 3] ?? 0
    const [parsed] = decodeMulti(received.subarray(at + 4, at + 4 + size))
    found.push(parsed as [Record<string, unknown>, string, unknown[]])
    at += 4 + size
  }
  return found
}

type Started = Awaited<ReturnType<typeof start>>

describe('ZerorpcServer', () => {
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  describe('with a client of raw bytes', () => {
    let started: Started
    beforeEach(async () => {
      started = await start()
    })

    it.each<Encoding>(['python 3', 'python 2 raw', 'python 2 bin'])('answers a ping of %s', async (encoding) => {
      const { pings, raw } = started
      const { socket, gets } = await raw()

      socket.write(Buffer.concat([GREETING, READY_DEALER, message(event('ping', [keepalive], encoding))]))
      const received = await gets(SERVER_HELLO.length + 60)

      expect(received.subarray(0, SERVER_HELLO.length)).toEqual(SERVER_HELLO)
      const [[header, name, args]] = events(received) as [[Record<string, unknown>, string, unknown[]]]
      expect([name, args]).toEqual(['OK', [null]])
      expect(typeof header.response_to).toBe(encoding === 'python 2 raw' ? 'string' : 'object')
      expect(Buffer.from(header.response_to as string).toString()).toBe(ID)
      expect(header.v).toBe(3)
      expect(pings).toEqual([keepalive])
    })

    it('says hello byte for byte, to a client that sends its own greeting bit by bit', async () => {
      const { raw } = started
      const { socket, gets } = await raw()

      socket.write(GREETING.subarray(0, 10))
      expect((await gets(GREETING.length)).equals(GREETING)).toBe(true)
      socket.write(GREETING.subarray(10, 12))
      socket.write(GREETING.subarray(12))
      socket.write(READY_DEALER)

      expect((await gets(SERVER_HELLO.length)).equals(SERVER_HELLO)).toBe(true)
    })

    it('answers an invoke, with the answer in the frame that the original sent', async () => {
      const { invocations, ready } = started
      const { socket, gets } = await ready()

      socket.write(message(event('invoke', ['{"cmd": "x"}'], 'python 2 raw')))
      const { raw, finish } = await eventually(() => invocations[0])
      finish('done')
      const received = await gets(SERVER_HELLO.length + 80)

      expect(raw).toBe('{"cmd": "x"}')
      expect(events(received).map(([, name, args]) => [name, args])).toEqual([['OK', ['done']]])
    })

    it('reads a keepalive in a frame of the long form', async () => {
      const { pings, ready } = started
      const long = keepalive.replace('""', JSON.stringify('x'.repeat(1000)))
      const { socket } = await ready()

      socket.write(message(event('ping', [long], 'python 3')))

      await eventually(() => pings.length === 1)
      expect(pings).toEqual([long])
    })

    it('runs calls of one connection side by side and answers each by its id', async () => {
      const { invocations, pings, ready } = started
      const { socket, gets } = await ready()

      socket.write(message(event('invoke', ['one'], 'python 3')))
      await eventually(() => invocations.length === 1)
      socket.write(message(event('ping', ['two'], 'python 3', { id: otherId(1) })))
      await eventually(() => pings.length === 1)
      invocations[0]?.finish('late')

      const received = await gets(SERVER_HELLO.length + 150)
      expect(events(received).map(([, , [value]]) => value)).toEqual([null, 'late'])
    })

    it('puts the frames before a request before its answer', async () => {
      const { ready } = started
      const { socket, gets } = await ready()

      socket.write(Buffer.concat([Buffer.from('0103726f75', 'hex'), message(event('_zerorpc_ping', [], 'python 3'))]))

      const received = await gets(SERVER_HELLO.length + 60)
      expect(received.subarray(SERVER_HELLO.length, SERVER_HELLO.length + 8).toString('hex')).toMatch(
        /^0103726f75010000/
      )
    })

    it('tells the handler when the caller hangs up', async () => {
      const { invocations, ready } = started
      const { socket } = await ready()

      socket.write(message(event('invoke', ['x'], 'python 3')))
      const { signal } = await eventually(() => invocations[0])
      socket.destroy()

      await eventually(() => signal.aborted)
    })

    it.each([
      ['no msgpack', message(Buffer.from('c1', 'hex'))],
      ['no envelope', Buffer.from('0001c0', 'hex')],
      ['unknown flags', Buffer.from('ff00', 'hex')],
      ['a frame of 2^62 bytes', Buffer.from('024000000000000000', 'hex')]
    ])('cuts off a client that sends %s, and serves on', async (_what, bytes) => {
      const { pings, ready, server } = started
      const bad = await ready()

      bad.socket.write(bytes)
      await eventually(bad.closed)
      const good = await ready()
      good.socket.write(message(event('ping', [keepalive], 'python 3')))

      await eventually(() => pings.length === 1)
      expect(server.status().cutOff).toBe(1)
    })

    it('answers OK to a bad ping, counts it, and does not log each', async () => {
      const { ready, server, lines } = started
      const { socket, gets } = await ready()

      for (let i = 0; i < 5; i++) socket.write(message(event('ping', ['bad'], 'python 3', { id: otherId(i) })))

      await gets(SERVER_HELLO.length + 60)
      await eventually(() => server.status().pingsRefused === 5)
      expect(lines).toMatchObject([{ msg: 'keepalive over ZeroRPC refused', reason: 'bad keepalive', total: 1 }])
    })
  })

  describe('with the client of npm', () => {
    it('answers pings and invokes', async () => {
      const { npm, pings, invocations } = await start()
      const client = npm()

      expect(await client.call('ping', keepalive)).toBeNull()
      const answer = client.call('invoke', '{"cmd": "ls"}')
      const { raw, finish } = await eventually(() => invocations[0])
      finish('done\nand done')

      expect(await answer).toBe('done\nand done')
      expect(raw).toBe('{"cmd": "ls"}')
      expect(pings).toEqual([keepalive])
    })

    it('answers questions about itself', async () => {
      const { npm } = await start()
      const client = npm()

      expect(await client.call('_zerorpc_ping')).toEqual(['pong', 'API'])
      expect(await client.call('_zerorpc_list')).toEqual(['invoke', 'ping'])
      expect(await client.call('_zerorpc_inspect')).toMatchObject({ name: 'API' })
    })

    it('answers ERR to an unknown method', async () => {
      const { npm } = await start()

      await expect(npm().call('reboot', '{}')).rejects.toMatchObject({ name: 'NameError', message: 'reboot' })
    })

    it('sends a large answer', async () => {
      const { npm, invocations } = await start()

      const answer = npm().call('invoke', '{}')
      const { finish } = await eventually(() => invocations[0])
      finish('x'.repeat(1_000_000))

      expect(await answer).toHaveLength(1_000_000)
    })

    it('keeps a caller through a call that lasts many heartbeats', async () => {
      // The original sent none, and its callers gave up after two that were missing.
      const { npm, invocations } = await start({ heartbeatMs: 100, lostMs: 60_000 })
      const client = npm({ heartbeatInterval: 300 })

      const answer = client.call('invoke', '{}')
      const { finish } = await eventually(() => invocations[0])
      const timer = setTimeout(() => finish('after a while'), 3000)
      stops.push(() => clearTimeout(timer))

      expect(await answer).toBe('after a while')
      expect(client.errors).toEqual([])
    })

    it('serves many at once', async () => {
      const { npm, pings } = await start()
      const clients = Array.from({ length: 50 }, () => npm())

      await Promise.all(clients.flatMap((client) => [1, 2, 3, 4].map(() => client.call('ping', keepalive))))

      expect(pings.length).toBe(200)
    })
  })

  describe('within its limits', () => {
    it('turns away connections beyond its number, and takes one again when another has gone', async () => {
      const { ready, raw, server } = await start({ connections: 2 })
      const first = await ready()
      await ready()

      const third = await raw()
      third.socket.write(GREETING)
      await eventually(third.closed)
      first.socket.destroy()
      await eventually(() => server.status().connections === 1)

      await ready()
    })

    it('closes a connection that does not shake hands', async () => {
      const { raw } = await start({ handshakeMs: 200, heartbeatMs: 100 })
      const { socket, closed } = await raw()

      socket.write(GREETING.subarray(0, 5))

      await eventually(closed)
    })

    it('closes a connection whose message does not end, however busily it sends', async () => {
      const { ready } = await start({ messageMs: 300, heartbeatMs: 100 })
      const { socket, closed } = await ready()

      socket.write(Buffer.from('00ff', 'hex'))
      const drip = setInterval(() => socket.write('x'), 50)
      stops.push(() => clearInterval(drip))

      await eventually(closed)
    })

    it('closes an idle connection, but none with a call that runs', async () => {
      const { ready, invocations } = await start({ idleMs: 200, heartbeatMs: 100 })
      const busy = await ready()
      busy.socket.write(message(event('invoke', ['x'], 'python 3')))
      await eventually(() => invocations.length === 1)
      const idle = await ready()

      await eventually(idle.closed)

      expect(busy.closed()).toBe(false)
    })

    it('drops the call of a client whose heartbeats stop, and keeps that of one which never sent any', async () => {
      const { ready, invocations, server } = await start({ lostMs: 300, heartbeatMs: 100 })
      for (const beats of [true, false]) {
        const { socket } = await ready()
        socket.write(message(event('invoke', [String(beats)], 'python 3')))
        if (beats) socket.write(message(event('_zpc_hb', [0], 'python 3', { responseTo: ID })))
      }
      await eventually(() => invocations.length === 2)

      const lost = invocations.find(({ raw }) => raw === 'true')
      const silent = invocations.find(({ raw }) => raw === 'false')
      await eventually(() => lost?.signal.aborted)

      expect(silent?.signal.aborted).toBe(false)
      expect(server.status().callsRunning).toBe(1)
    })

    it('refuses calls beyond its number on one connection', async () => {
      const { ready, invocations } = await start({ calls: 1 })
      const { socket, gets } = await ready()

      socket.write(message(event('invoke', ['x'], 'python 3')))
      await eventually(() => invocations.length === 1)
      socket.write(message(event('invoke', ['y'], 'python 3', { id: otherId(1) })))

      const received = await gets(SERVER_HELLO.length + 60)
      expect(events(received).map(([, name, args]) => [name, args[0]])).toEqual([['ERR', 'KTL_QUEUE_FULL']])
    })

    it('answers every keepalive with OK nil, however many are under way on one connection', async () => {
      const { npm, pings } = await start()
      const client = npm()

      const answers = await Promise.all(Array.from({ length: 500 }, () => client.call('ping', keepalive)))

      expect(new Set(answers.map((answer) => answer ?? null))).toEqual(new Set([null]))
      expect(pings.length).toBe(500)
    })

    it('stops reading from a client that does not read its answers, and cuts it off in time', async () => {
      const { ready, server, pings } = await start({ messageMs: 500, heartbeatMs: 100 })
      const { socket } = await ready()
      socket.pause()

      const many = Buffer.concat(
        Array.from({ length: 1000 }, (_, i) => message(event('ping', ['{}'], 'python 3', { id: otherId(i) })))
      )
      const flood = setInterval(() => socket.writableLength < 1_000_000 && socket.write(many), 1)
      stops.push(() => clearInterval(flood))

      await eventually(() => server.status().connections === 0, 30_000)
      expect(server.status().cutOff).toBe(1)
      expect(pings.length).toBeGreaterThan(0)
    })
  })

  it('closes gracefully: the call under way is answered, then every connection ends', async () => {
    const { server, ready, raw, invocations } = await start()
    const { socket, closed, gets } = await ready()
    socket.write(message(event('invoke', ['x'], 'python 3')))
    const { finish } = await eventually(() => invocations[0])

    const stopped = server.close()
    const late = await raw()
    late.socket.write(GREETING)
    await eventually(late.closed)
    finish('in time')
    await stopped

    await eventually(closed)
    expect(events(await gets(SERVER_HELLO.length + 60)).map(([, , [value]]) => value)).toEqual(['in time'])
  })
})
