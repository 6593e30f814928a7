import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Statistics } from '../../../src/bootstrap/statistics.ts'
import { loadConfig } from '../../../src/load-config.ts'
import { Metrics } from '../../../src/telemetry/metrics.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { startInfluxdb } from '../../support/start-influxdb.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { silentLogger } from '../../support/test-logger.ts'

const SECOND = 1_000

it('follows an edit of the annotation while the pod runs: begins, and ends', async () => {
  await using influxdb = await startInfluxdb()
  await using dir = await tempDir()
  const { config } = loadConfig({
    KONTROL_MODE: 'master',
    KONTROL_LABELS: '{"app":"haproxy","role":"balancer"}',
    KONTROL_DATA: dir.path
  })
  const clock = new FakeClock()
  const metrics = new Metrics({
    pods: () => ({ live: 3, held: 0 }),
    lifecycleState: () => 'idle',
    problems: () => 0
  })
  const statistics = new Statistics({ config, env: {}, clock, logger: silentLogger(), metrics })
  const points = async (): Promise<number> => (await influxdb.query('SELECT * FROM kontrol_pods')).length
  await statistics.prepare()
  statistics.start()

  await statistics.replaceAnnotations({ 'kontrol.unity3d.com/opentsdb': `127.0.0.1:${influxdb.opentsdbPort}` })
  await eventually(async () => (await points()) === 1)
  expect(await readFile(dir.file('telegraf.conf'), 'utf8')).toContain(`port = ${influxdb.opentsdbPort}`)

  await statistics.replaceAnnotations({})
  clock.advance(60 * SECOND)
  // What should not come cannot be waited for.
  await sleep(300)
  expect(await points()).toBe(1)
  await statistics.stop()
})
