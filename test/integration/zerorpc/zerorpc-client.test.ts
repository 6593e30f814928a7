import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/platform/clock.ts'
import { KeepaliveLoop } from '../../../src/slave/keepalive-loop.ts'
import { ZerorpcClient } from '../../../src/zerorpc/zerorpc-client.ts'
import { eventually } from '../../support/eventually.ts'
import { connectRaw, GREETING } from '../../support/zerorpc/raw-zerorpc.ts'
import { silentLogger } from '../../support/test-logger.ts'
import { Server as NpmServer } from '../../support/zerorpc/zerorpc.cjs'
import { freePort } from '../../support/free-port.ts'

const stops: (() => unknown)[] = []
const inTime = () => AbortSignal.timeout(20_000)

/** A master of the ZeroRPC generation, on the independent server of npm. */
async function oldMaster(port: number, onPing: (raw: string) => void = () => {}) {
  const pings: string[] = []
  const server = new NpmServer({
    // In this form, as the library reads the arguments' names from the source.
    ping: function (raw: string, reply: (error: Error | null, result?: unknown, more?: boolean) => void) {
      pings.push(raw)
      try {
        onPing(raw)
        reply(null, null, false)
      } catch (error) {
        reply(error as Error, null, false)
      }
    }
  })
  server.on('error', () => {})
  server.bind(`tcp://127.0.0.1:${port}`)
  await eventually(async () => {
    const { socket } = await connectRaw(port)
    socket.destroy()
    return true
  })
  let open = true
  const close = () => {
    if (open) server.close()
    open = false
  }
  stops.push(close)
  return { pings, close }
}

/** Something on a port that does as the test says. */
async function listener(onConnection: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer(onConnection).listen(0, '127.0.0.1')
  await once(server, 'listening')
  stops.push(() => server.close())
  return (server.address() as AddressInfo).port
}

function clientOf(port: number): ZerorpcClient {
  const client = new ZerorpcClient({ host: '127.0.0.1', port, name: 'old' })
  stops.push(() => client.close())
  return client
}

describe('ZerorpcClient', () => {
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  it('pings an old master, again and again over one connection', async () => {
    const port = await freePort()
    const { pings } = await oldMaster(port)
    const client = clientOf(port)

    for (const raw of ['{"n": 1}', '{"n": 2}', `"${'x'.repeat(5000)}"`]) await client.send(raw, inTime())

    expect(pings).toEqual(['{"n": 1}', '{"n": 2}', `"${'x'.repeat(5000)}"`])
  })

  it('finds a master again that was away', async () => {
    const port = await freePort()
    const first = await oldMaster(port)
    const client = clientOf(port)
    await client.send('1', inTime())

    first.close()
    await eventually(async () => {
      await expect(client.send('2', inTime())).rejects.toMatchObject({ code: 'KTL_MASTER_UNREACHABLE' })
      return true
    })
    const second = await eventually(() => oldMaster(port))

    await eventually(() => client.send('3', inTime()).then(() => true))
    expect(second.pings).toContain('3')
  })

  it('reports what the master answers when it fails, and goes on', async () => {
    const port = await freePort()
    await oldMaster(port, (raw) => {
      if (raw === 'bad') throw new Error('cannot parse')
    })
    const client = clientOf(port)

    await expect(client.send('bad', inTime())).rejects.toThrowError(/Master old: answered ERR: .*cannot parse/)
    await client.send('good', inTime())
  })

  it.each([
    ['nobody listens', () => freePort(), /ECONNREFUSED/],
    ['the other side hangs up', () => listener((socket) => socket.destroy()), /closed the connection|ECONNRESET/],
    [
      'the other side speaks HTTP',
      () => listener((socket) => socket.end(`HTTP/1.1 400 Bad Request\r\n${'x'.repeat(99)}`)),
      /no ZMTP signature/
    ],
    [
      'the other side is no ROUTER',
      () =>
        listener((socket) =>
          socket.write(
            Buffer.concat([GREETING, Buffer.from('\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB', 'latin1')])
          )
        ),
      /READY as "SUB"/
    ]
  ])('fails when %s', async (_what, start, reason) => {
    const client = clientOf(await start())

    await expect(client.send('1', inTime())).rejects.toThrowError(reason)
  })

  it('gives up when its signal fires, in the handshake and later', async () => {
    const port = await listener((socket) => socket.write(GREETING))
    const client = clientOf(port)

    await expect(client.send('1', AbortSignal.timeout(100))).rejects.toThrowError('did not answer in time')
    await expect(client.send('2', AbortSignal.abort())).rejects.toThrowError('did not answer in time')
  })

  it('carries the keepalive loop of a slave, goodbye included', async () => {
    const port = await freePort()
    const { pings } = await oldMaster(port)
    const loop = new KeepaliveLoop({
      self: { app: 'web', id: 'w', ip: '127.0.0.11', role: 'r' },
      masters: [`zerorpc://127.0.0.1:${port}`],
      port: 8000,
      ttlMs: 800,
      payload: undefined,
      connectZerorpc: (address) => new ZerorpcClient(address),
      clock: systemClock,
      logger: silentLogger()
    })

    loop.start()
    await eventually(() => pings.length >= 3)
    await loop.leave()

    expect(pings[0]).toMatch(/^\{"app": "web", "id": "w", "ip": "127.0.0.11", "key": "2kce4X", "nonce": /)
    expect(pings.at(-1)).toMatch(/^\{"app": "web", "down": true, /)
  })
})
