import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/platform/clock.ts'
import { KeepaliveLoop, type KeepaliveLoopOptions } from '../../../src/slave/keepalive-loop.ts'
import { PayloadFile } from '../../../src/slave/payload-file.ts'
import { eventually } from '../../support/eventually.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { silentLogger } from '../../support/test-logger.ts'

interface MasterDouble {
  name: string
  port: number
  requests: { line: string; headers: IncomingMessage['headers']; body: string }[]
  connections: () => number
  /** What it answers; undefined: nothing at all. */
  status: number | undefined
  close(): Promise<void>
}

const stops: (() => Promise<unknown>)[] = []

async function startMaster(port = 0): Promise<MasterDouble> {
  let connections = 0
  const master: Partial<MasterDouble> & Pick<MasterDouble, 'requests' | 'status'> = { requests: [], status: 200 }
  const server: Server = createServer((request, response) => {
    void text(request).then((body) => {
      master.requests.push({ line: `${request.method} ${request.url}`, headers: request.headers, body })
      if (master.status !== undefined) response.writeHead(master.status).end()
    })
  })
  server.on('connection', () => (connections += 1))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const bound = (server.address() as AddressInfo).port
  const close = async () => {
    server.closeAllConnections()
    server.close()
  }
  stops.push(close)
  return Object.assign(master, { name: `127.0.0.1:${bound}`, port: bound, connections: () => connections, close })
}

function startLoop(change: Partial<KeepaliveLoopOptions> & Pick<KeepaliveLoopOptions, 'masters'>): KeepaliveLoop {
  const loop = new KeepaliveLoop({
    self: { app: 'web', id: 'web-127-0-0-11', ip: '127.0.0.11', role: 'r' },
    port: 8000,
    ttlMs: 25_000,
    payload: undefined,
    connectZerorpc: () => {
      throw new Error('no master of this test speaks ZeroRPC')
    },
    clock: systemClock,
    logger: silentLogger(),
    ...change
  })
  stops.push(() => loop.leave())
  loop.start()
  return loop
}

describe('KeepaliveLoop', () => {
  let master: MasterDouble

  beforeEach(async () => {
    master = await startMaster()
  })
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  const pings = (from: MasterDouble, count: number) => eventually(() => from.requests.length >= count)

  it('sends what Kontrol sends, byte for byte but for the nonce', async () => {
    startLoop({ masters: [master.name] })
    await pings(master, 1)

    const [request] = master.requests
    expect(request?.line).toBe('PUT /ping')
    expect(request?.headers).toMatchObject({ 'content-type': 'application/json', host: master.name })
    expect(request?.body).toMatch(
      /^\{"app": "web", "id": "web-127-0-0-11", "ip": "127.0.0.11", "key": "2kce4X", "nonce": "[0-9a-f]{16}", "payload": "", "role": "r"\}$/
    )
  })

  it('goes on each 0.75 TTL over one connection, with one nonce', async () => {
    startLoop({ masters: [master.name], ttlMs: 200 })
    await pings(master, 5)

    expect(master.connections()).toBe(1)
    expect(new Set(master.requests.map(({ body }) => body)).size).toBe(1)
  })

  it('tells every master, and one that hangs does not hold the others back', async () => {
    const hanging = await startMaster()
    hanging.status = undefined

    const loop = startLoop({ masters: [hanging.name, master.name], ttlMs: 400 })
    await pings(master, 4)

    await eventually(() => loop.status()[0]?.lastError)
    expect(loop.status()).toMatchObject([{ reachable: false }, { reachable: true, failures: 0 }])
  })

  it('finds a master again that was away', async () => {
    const { port, name } = master
    await master.close()
    const loop = startLoop({ masters: [name], ttlMs: 1000 })
    await eventually(() => (loop.status()[0]?.failures ?? 0) >= 2)

    const returned = await startMaster(port)
    await pings(returned, 2)

    await eventually(() => loop.status()[0]?.reachable)
  })

  it('counts a refusal as a failure, with the status as the reason', async () => {
    master.status = 409
    const loop = startLoop({ masters: [master.name] })

    expect(await eventually(() => loop.status()[0]?.lastError)).toContain('answered 409')
  })

  it('tells a master that is named twice once', () => {
    const loop = startLoop({ masters: [master.name, master.name] })

    expect(loop.status()).toHaveLength(1)
  })

  it('uses its own port for a master that names none', async () => {
    startLoop({ masters: ['127.0.0.1'], port: master.port })

    await pings(master, 1)
  })

  it('shows its token', async () => {
    startLoop({ masters: [master.name], token: () => 'secret' })
    await pings(master, 1)

    expect(master.requests[0]?.headers.authorization).toBe('Bearer secret')
  })

  it('sends the payload, and a change of it long before the next ping is due', async () => {
    await using folder = await tempDir()
    const path = folder.file('state.json')
    await writeFile(path, '{"eip":"1.2.3.4"}')
    const payload = new PayloadFile({ path, clock: systemClock, logger: silentLogger(), pollMs: 20 })

    startLoop({ masters: [master.name], payload, ttlMs: 3_600_000 })
    await pings(master, 1)
    await writeFile(path, '{"zone":"b","eip":"1.2.3.4"}')
    await pings(master, 2)

    expect(master.requests[0]?.body).toContain('"payload": {"eip": "1.2.3.4"}')
    expect(master.requests[1]?.body).toContain('"payload": {"eip": "1.2.3.4", "zone": "b"}')
  })

  it('says goodbye to each master, in the place where Kontrol puts it', async () => {
    const other = await startMaster()
    const loop = startLoop({ masters: [master.name, other.name] })
    await pings(master, 1)
    await pings(other, 1)

    await loop.leave()

    for (const { requests } of [master, other]) {
      expect(requests.at(-1)?.body).toMatch(/^\{"app": "web", "down": true, "id": /)
    }
  })

  it('leaves although a master hangs and another is gone', async () => {
    const hanging = await startMaster()
    hanging.status = undefined
    const loop = startLoop({ masters: [hanging.name, '127.0.0.1:1', master.name], ttlMs: 1000 })
    await pings(master, 1)

    await loop.leave()

    expect(master.requests.at(-1)?.body).toContain('"down": true')
  })

  it('follows an edit of its masters, and takes itself out of none: the one that is gone may share its registry', async () => {
    const [kept, added] = [await startMaster(), await startMaster()]
    const loop = startLoop({ masters: [master.name, kept.name], ttlMs: 400 })
    await Promise.all([pings(master, 1), pings(kept, 1)])

    loop.replaceMasters([kept.name, added.name])

    await Promise.all([pings(kept, 3), pings(added, 3)])
    expect(master.requests).toHaveLength(1)
    expect([...kept.requests, ...added.requests].filter(({ body }) => body.includes('"down"'))).toEqual([])
    expect(loop.status().map(({ master }) => master)).toEqual([kept.name, added.name])
  })

  it('keeps its masters when the edit names one that is none', async () => {
    const loop = startLoop({ masters: [master.name] })

    expect(() => loop.replaceMasters([master.name, 'a b'])).toThrowError(/"a b" is no address of a master/)

    expect(loop.status().map(({ master }) => master)).toEqual([master.name])
  })

  it('refuses a master that is none', () => {
    expect(() => startLoop({ masters: ['a b'] })).toThrowError('"a b" is no address of a master')
  })
})
