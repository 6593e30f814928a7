import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { OpentsdbRelay, type OpentsdbRelayOptions } from '../../../src/telemetry/opentsdb.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { freePort } from '../../support/free-port.ts'
import { startInfluxdb } from '../../support/neighbours/start-influxdb.ts'
import { recordingLogger, silentLogger } from '../../support/test-logger.ts'

const SECOND = 1_000

interface Setup extends Partial<OpentsdbRelayOptions> {
  port: number
}

/** A relay whose one figure is its own count, and whose time stands still. */
function countingRelay(setup: Setup) {
  const clock = new FakeClock()
  let count = 0
  const relay = new OpentsdbRelay({
    host: '127.0.0.1',
    tags: { app: 'haproxy', role: 'balancer' },
    collect: async () => {
      count += 1
      return [{ metric: 'ticks', value: count, at: clock.now(), tags: { proxy: 'front' } }]
    },
    intervalMs: 10 * SECOND,
    clock,
    logger: silentLogger(),
    retry: { firstMs: SECOND, maxMs: SECOND },
    ...setup
  })
  const accounted = (): number => {
    const { sent, buffered, dropped } = relay.status()
    return sent + buffered + dropped
  }
  /** Lets the next collection happen and its line reach the buffer. */
  const tick = async (): Promise<void> => {
    await eventually(() => accounted() >= count)
    const before = accounted()
    clock.advance(10 * SECOND)
    await eventually(() => accounted() > before)
  }
  return { relay, clock, tick }
}

describe('OpentsdbRelay against a real InfluxDB', () => {
  it('writes its figures with their tags', async () => {
    await using influxdb = await startInfluxdb()
    const { relay, tick } = countingRelay({ port: influxdb.opentsdbPort })

    relay.start()
    await eventually(() => relay.status().connected)
    await tick()

    const rows = await eventually(async () => {
      const rows = await influxdb.query('SELECT * FROM ticks')
      return rows.length === 2 ? rows : undefined
    })
    expect(rows.map(({ value }) => value)).toEqual([1, 2])
    expect(rows[0]).toMatchObject({ app: 'haproxy', role: 'balancer', proxy: 'front', time: 1_700_000_000_000 })
    await relay.stop()
  })

  it('hands in, in order and with its own time, what it gathered while the endpoint was away', async () => {
    await using influxdb = await startInfluxdb()
    const { relay, clock, tick } = countingRelay({ port: influxdb.opentsdbPort })
    relay.start()
    await eventually(async () => (await influxdb.query('SELECT * FROM ticks')).length === 1)

    await influxdb.kill()
    await eventually(() => !relay.status().connected)
    // Half a minute of the relay's time.
    for (let seconds = 0; seconds < 30; seconds += 10) await tick()
    await influxdb.start()

    const rows = await eventually(async () => {
      clock.advance(SECOND)
      const rows = await influxdb.query('SELECT value FROM ticks')
      return rows.some(({ value }) => value === 4) ? rows : undefined
    })
    expect(rows.slice(0, 4).map(({ value }) => value)).toEqual([1, 2, 3, 4])
    expect(rows.slice(0, 4).map(({ time }) => Number(time) / SECOND)).toEqual(
      [0, 10, 20, 30].map((seconds) => 1_700_000_000 + seconds)
    )
    expect(relay.status().dropped).toBe(0)
    await relay.stop()
  })
})

describe('OpentsdbRelay at the wire', () => {
  it('drops the oldest figures, and counts them, when the endpoint stays away for long', async () => {
    const port = await freePort()
    const { relay, clock, tick } = countingRelay({ port, maxBuffered: 3 })
    relay.start()
    for (let round = 0; round < 5; round++) await tick()
    await eventually(() => relay.status().buffered === 3)
    expect(relay.status()).toMatchObject({ connected: false, sent: 0, dropped: 3 })

    await using endpoint = await startEndpoint(port)
    await eventually(() => {
      clock.advance(SECOND / 2)
      return endpoint.lines().length >= 3
    })

    expect(endpoint.lines()[0]).toMatch(/^put ticks \d+ [4-9]/)
    await relay.stop()
  })

  it('keeps five collections of the largest fleet whose servers have figures', async () => {
    const { relay, clock } = countingRelay({
      port: await freePort(),
      collect: async () =>
        Array.from({ length: 48_000 }, (_, index) => ({ metric: 'a', value: index, at: clock.now(), tags: {} }))
    })
    relay.start()

    for (let round = 1; round < 5; round++) {
      await eventually(() => relay.status().buffered === round * 48_000)
      clock.advance(10 * SECOND)
    }

    await eventually(() => relay.status().buffered === 5 * 48_000)
    expect(relay.status().dropped).toBe(0)
    await relay.stop()
  })

  it('sends again what was on its way when the connection broke', async () => {
    await using endpoint = await startEndpoint()
    const { relay, clock } = countingRelay({ port: endpoint.port })
    relay.start()
    await eventually(() => endpoint.lines().length === 1)

    endpoint.cut()
    await eventually(() => !relay.status().connected)
    clock.advance(SECOND)

    await eventually(() => endpoint.lines().length === 2)
    expect(endpoint.lines()[1]).toBe(endpoint.lines()[0])
    await relay.stop()
  })

  it('goes on when a collection fails', async () => {
    await using endpoint = await startEndpoint()
    const { logger, lines } = recordingLogger()
    let failing = true
    const { relay, clock } = countingRelay({
      port: endpoint.port,
      logger,
      collect: async () => {
        if (failing) throw new Error('haproxy is away')
        return [{ metric: 'up', value: 1, at: 0, tags: {} }]
      }
    })
    relay.start()
    await eventually(() => lines.some(({ reason }) => reason === 'haproxy is away'))

    failing = false
    await eventually(() => {
      clock.advance(10 * SECOND)
      return endpoint.lines().length > 0
    })

    expect(endpoint.lines()[0]).toBe('put up 0 1 app=haproxy role=balancer')
    await relay.stop()
  })

  it('says once per connection what the endpoint complains of', async () => {
    await using endpoint = await startEndpoint()
    const { logger, lines } = recordingLogger()
    const { relay, tick } = countingRelay({ port: endpoint.port, logger })
    relay.start()
    await eventually(() => endpoint.lines().length === 1)

    endpoint.say('put: illegal argument: too many tags\n')
    await eventually(() => lines.some(({ msg }) => msg === 'statistics refused'))
    endpoint.say('put: illegal argument: too many tags\n')
    await tick()
    await eventually(() => endpoint.lines().length === 2)

    expect(lines.filter(({ msg }) => msg === 'statistics refused')).toHaveLength(1)
    await relay.stop()
  })

  it('stops at once while the endpoint is away', async () => {
    const { relay } = countingRelay({ port: await freePort() })
    relay.start()

    await relay.stop()

    expect(relay.status()).toMatchObject({ connected: false })
  })
})

/** Takes lines, and nothing else, as OpenTSDB does. */
async function startEndpoint(wanted = 0) {
  let text = ''
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')))
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(wanted, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    lines: () => text.split('\n').slice(0, -1),
    say: (line: string) => sockets.forEach((socket) => socket.write(line)),
    cut: () => sockets.forEach((socket) => socket.resetAndDestroy()),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}
