import { mkdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Statistics } from '../../../src/telemetry/statistics.ts'
import { haproxyPaths } from '../../../src/haproxy/files/paths.ts'
import { exchange } from '../../../src/haproxy/socket/exchange.ts'
import { loadConfig } from '../../../src/config.ts'
import { Metrics } from '../../../src/telemetry/metrics.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { freePort } from '../../support/free-port.ts'
import { startInfluxdb } from '../../support/neighbours/start-influxdb.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { recordingLogger } from '../../support/test-logger.ts'

const SECOND = 1_000
const annotation = (text: string | number) => ({ 'kontrol.unity3d.com/opentsdb': String(text) })

/** A pod without telegraf and, at first, without the annotation; and InfluxDB. */
async function startStatistics() {
  const influxdb = await startInfluxdb()
  const dir = await tempDir()
  const { config } = loadConfig({
    KONTROL_MODE: 'master',
    KONTROL_ID: 'proxy-7',
    KONTROL_LABELS: '{"app":"haproxy","role":"balancer"}',
    KONTROL_DATA: dir.path
  })
  const socket = haproxyPaths(config.dataFolder).runtimeSocket
  const clock = new FakeClock()
  const metrics = new Metrics({
    pods: () => ({ live: 3, held: 0 }),
    atRest: () => true,
    problems: () => 0,
    unusableBackends: () => 0,
    skippedValues: () => 0,
    leftOutPods: () => 0
  })
  const { logger, lines } = recordingLogger()
  const statistics = new Statistics({
    config,
    env: {},
    haproxy: { socket, ask: (command) => exchange(socket, command) },
    clock,
    logger,
    metrics
  })
  await statistics.prepare()
  statistics.start()
  return {
    ...{ statistics, clock, dir, dataFolder: config.dataFolder },
    here: `127.0.0.1:${influxdb.opentsdbPort}`,
    port: influxdb.opentsdbPort,
    hosts: async () => (await influxdb.query('SELECT * FROM kontrol_pods')).map(({ host }) => host),
    points: async (): Promise<number> => (await influxdb.query('SELECT * FROM kontrol_pods')).length,
    told: (message: string) => lines.filter(({ msg }) => msg === message),
    async [Symbol.asyncDispose]() {
      await statistics.stop()
      await influxdb[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    }
  }
}

describe('Statistics, whose annotation is edited while the pod runs,', () => {
  it('begin, and end when it is removed', async () => {
    await using pod = await startStatistics()

    await pod.statistics.replaceAnnotations(annotation(pod.here))
    await eventually(async () => (await pod.points()) === 1)
    expect(await readFile(pod.dir.file('telegraf.conf'), 'utf8')).toContain(`port = ${pod.port}`)
    // As telegraf's own tag, so that the figures of two proxies stay apart.
    expect(await pod.hosts()).toEqual(['proxy-7'])

    await pod.statistics.replaceAnnotations({})
    pod.clock.advance(60 * SECOND)
    // What should not come cannot be waited for.
    await sleep(300)
    expect(await pod.points()).toBe(1)
  })

  it('go on as they were when the edit cannot be read, and say so', async () => {
    await using pod = await startStatistics()
    await pod.statistics.replaceAnnotations(annotation(pod.here))
    await eventually(async () => (await pod.points()) === 1)

    await pod.statistics.replaceAnnotations(annotation('http://no endpoint'))

    expect(pod.told('statistics annotation ignored')).toHaveLength(1)
    pod.clock.advance(10 * SECOND)
    await eventually(async () => (await pod.points()) === 2)
  })

  it('end with the last of several quick edits', async () => {
    await using pod = await startStatistics()
    const away = await freePort()

    const edits = [annotation(`127.0.0.1:${away}`), {}, annotation('127.0.0.1:0'), annotation(pod.here)]
    await Promise.all(edits.map((edit) => pod.statistics.replaceAnnotations(edit)))

    await eventually(async () => (await pod.points()) === 1)
    expect(await readFile(pod.dir.file('telegraf.conf'), 'utf8')).toContain(`port = ${pod.port}`)
  })

  it('take the same edit again when telegraf.conf could not be written', async () => {
    await using pod = await startStatistics()
    const conf = pod.dir.file('telegraf.conf')
    await mkdir(conf)
    await expect(pod.statistics.replaceAnnotations(annotation(pod.here))).rejects.toThrow()

    await rm(conf, { recursive: true })
    await pod.statistics.replaceAnnotations(annotation(pod.here))

    expect(await readFile(conf, 'utf8')).toContain(`port = ${pod.port}`)
  })
})

it('tells once that there are too many servers for figures of each', async () => {
  await using pod = await startStatistics()
  const { runtimeSocket } = haproxyPaths(pod.dataFolder)
  await mkdir(dirname(runtimeSocket), { recursive: true })
  const servers = Array.from({ length: 2_001 }, (_, index) => `app,web-${index},UP,2,1`)
  const haproxy = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('data', (line: Buffer) => {
      const stat = ['# pxname,svname,status,type,scur', ...servers, ''].join('\n')
      socket.end(line.toString('utf8') === 'show stat\n' ? stat : '\n')
    })
  }).listen(runtimeSocket)

  await pod.statistics.replaceAnnotations(annotation(pod.here))
  await eventually(async () => (await pod.points()) === 1)
  pod.clock.advance(10 * SECOND)
  await eventually(async () => (await pod.points()) === 2)

  expect(pod.told('statistics leave out single servers')).toMatchObject([{ level: 40, servers: 2_001 }])
  haproxy.close()
})
