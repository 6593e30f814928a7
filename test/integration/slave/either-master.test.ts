import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/platform/clock.ts'
import { HttpMaster } from '../../../src/slave/http-master.ts'
import { KeepaliveLoop } from '../../../src/slave/keepalive-loop.ts'
import { parseMasterAddress } from '../../../src/slave/master-address.ts'
import { ZerorpcClient } from '../../../src/zerorpc/zerorpc-client.ts'
import { eventually } from '../../support/eventually.ts'
import { startOriginalMaster, type Generation, type OriginalMaster } from '../../support/kontrol/original.ts'
import { recordingLogger, silentLogger } from '../../support/test-logger.ts'

const stops: (() => PromiseLike<unknown>)[] = []
const IP = '127.0.0.11'

async function startMaster(generation: Generation, port?: number): Promise<OriginalMaster> {
  const master = await startOriginalMaster({ generation, ttlSeconds: 60, ...(port !== undefined && { port }) })
  stops.push(() => master[Symbol.asyncDispose]())
  return master
}

function startLoop(masters: string[], logger = silentLogger()): KeepaliveLoop {
  const loop = new KeepaliveLoop({
    self: { app: 'web', id: 'w', ip: IP, role: 'r' },
    masters,
    port: 8000,
    ttlMs: 2000,
    payload: undefined,
    connectZerorpc: (address) => new ZerorpcClient(address),
    clock: systemClock,
    logger
  })
  stops.push(() => loop.leave())
  loop.start()
  return loop
}

const hears = (master: OriginalMaster) => eventually(async () => (await master.ips()).includes(IP), 20_000)

describe('a slave whose annotation names a master without the scheme', () => {
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  it.each(['http', 'zerorpc'] as const)(
    'reports to one that speaks %s, and takes its leave there',
    async (generation) => {
      const master = await startMaster(generation)
      const { logger, lines } = recordingLogger()

      const loop = startLoop([master.name], logger)
      await hears(master)
      await eventually(() => loop.status()[0]?.reachable)
      await loop.leave()

      await eventually(async () => (await master.ips()).length === 0)
      const expected = generation === 'http' ? [] : ['master speaks zerorpc']
      expect(lines.map(({ msg }) => msg).filter((msg) => msg === 'master speaks zerorpc')).toEqual(expected)
    }
  )

  it('finds the other generation at the address where one was, and the first one again', async () => {
    const first = await startOriginalMaster({ generation: 'http', ttlSeconds: 60 })
    startLoop([first.name])
    await hears(first)

    await first[Symbol.asyncDispose]()
    const second = await startOriginalMaster({ generation: 'zerorpc', ttlSeconds: 60, port: first.port })
    await hears(second)

    await second[Symbol.asyncDispose]()
    await hears(await startMaster('http', first.port))
  })

  it('is told by name what the master speaks, where the annotation insists on HTTP', async () => {
    const master = await startMaster('zerorpc')
    const http = new HttpMaster({ address: parseMasterAddress(`http://${master.name}`, 8000), keepAliveMs: 1000 })
    stops.push(() => http.close())

    await expect(http.send('{}', AbortSignal.timeout(20_000))).rejects.toMatchObject({
      code: 'KTL_MASTER_SPEAKS_ZERORPC',
      message: `Master http://${master.name} speaks ZeroRPC, and not HTTP`
    })
    const loop = startLoop([`http://${master.name}`])
    expect(await eventually(() => loop.status()[0]?.lastError)).toContain('speaks ZeroRPC')
    expect(await master.ips()).toEqual([])
  })
})
