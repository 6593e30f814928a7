import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startInfluxdb, type RunningInfluxdb } from '../../support/neighbours/start-influxdb.ts'
import { startService } from '../../support/service/start-service.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'

/** How often figures are collected, and how long the endpoint is away, in ms of the real clock. */
const INTERVAL_MS = 10_000
const AWAY_MS = 30_000

interface Point {
  time: number
  value: number
}

const pointsOf = async (influxdb: RunningInfluxdb, query: string): Promise<Point[]> =>
  (await influxdb.query(query)).map(({ time, value }) => ({ time: Number(time), value: Number(value) }))

it("brings HAProxy's and our own figures to InfluxDB, those too of 30 s in which it was away", async () => {
  await using influxdb = await startInfluxdb()
  const address = ownAddress()
  await using service = await startService({
    env: {
      KONTROL_ANNOTATIONS: JSON.stringify({
        'haproxy.unity3d.com/config': `frontend web\n  mode http\n  timeout client 5s\n  bind ${address}:8080\n  http-request return status 200`,
        'kontrol.unity3d.com/opentsdb': `127.0.0.1:${influxdb.opentsdbPort}`
      })
    }
  })
  await service.ready()
  const frontend = (): Promise<Point[]> =>
    pointsOf(influxdb, `SELECT value FROM haproxy_stot WHERE proxy = 'web' AND type = 'frontend' AND app = 'haproxy'`)
  await eventually(async () => (await frontend()).length > 0, 2 * INTERVAL_MS)

  await influxdb.kill()
  const killedAt = Date.now()
  await sleep(AWAY_MS / 2)
  await (await request(`http://${address}:8080/`)).body.dump()
  await sleep(AWAY_MS / 2)
  await influxdb.start()
  const backAt = Date.now()

  const points = await eventually(async () => {
    const points = await frontend()
    return (points.at(-1)?.time ?? 0) > backAt ? points : undefined
  }, 4 * INTERVAL_MS)
  // One point each interval, whoever was there to take it; times are whole seconds.
  const gaps = points.slice(1).map(({ time }, index) => time - (points[index]?.time ?? 0))
  expect(Math.max(...gaps)).toBeLessThan(1.5 * INTERVAL_MS)
  const away = points.filter(({ time }) => time > killedAt && time < backAt)
  expect(away.length).toBeGreaterThanOrEqual(2)
  // It arrived with the time at which it was so, and not with that of its arrival.
  expect(new Set(away.map(({ value }) => value))).toEqual(new Set([0, 1]))
  // What the program knows of itself takes the same way.
  const own = await pointsOf(influxdb, `SELECT value FROM kontrol_pods WHERE app = 'haproxy'`)
  expect(own.filter(({ time }) => time > killedAt && time < backAt).length).toBe(away.length)
}, 150_000)
