import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fleetIp } from '../../support/load/fleet-config.ts'
import { startLoopbackFleet } from '../../support/load/loopback-fleet.ts'
import { processorTime } from '../../support/load/processor-time.ts'
import { residentMb } from '../../support/load/resident-mb.ts'
import { startBareHaproxy } from '../../support/haproxy/bare-haproxy.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { tempDir } from '../../support/temp-dir.ts'
import type { Point, Series } from './law.ts'

const APART = 100

/** So many servers, in backends of so many; each is asked for a connection once a second. */
function configOf(servers: number, aBackend: number, port: number): string {
  const lines = [`frontend proxy\n  bind ${ownAddress()}:8080\n  default_backend b0`]
  for (let server = 0; server < servers; server++) {
    if (server % aBackend === 0) lines.push(`backend b${server / aBackend}\n  default-server inter 1s`)
    lines.push(`  server s${server} ${fleetIp(server)}:${port} check`)
  }
  const defaults = 'defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s'
  return `${defaults}\n${lines.join('\n')}\n`
}

/** Milliseconds of `haproxy -c`. */
async function loadMs(servers: number, aBackend: number): Promise<number> {
  await using dir = await tempDir()
  const file = dir.file('a.cfg')
  await writeFile(file, configOf(servers, aBackend, 80))
  const start = performance.now()
  execFileSync('haproxy', ['-c', '-q', '-f', file], { stdio: 'ignore' })
  return performance.now() - start
}

interface Checked {
  cores: number
  mb: number
}

/** A HAProxy at rest, but for its checks. */
async function checksOf(servers: number, port: number, seconds: number): Promise<Checked> {
  await using haproxy = await startBareHaproxy(configOf(servers, APART, port))
  // The first checks are spread over an interval of their own.
  await sleep(1_500)
  const [before, started] = [await processorTime(haproxy.pid), performance.now()]
  await sleep(seconds * 1_000)
  const cores = ((await processorTime(haproxy.pid)) - before) / ((performance.now() - started) / 1_000)
  const down = (await haproxy.say('show stat')).split('\n').filter((line) => /,s\d+,.*,DOWN/.test(line))
  if (down.length > 0) throw new Error(`${down.length} of ${servers} servers are down`)
  return { cores, mb: await residentMb(haproxy.pid) }
}

export interface HaproxySeries {
  load: Series
  loadApart: Series
  checks: Series
  memory: Series
}

/** What a HAProxy costs by its servers, whoever writes its file. */
export async function measureHaproxy(
  sizes: { load: readonly number[]; checks: readonly number[] },
  seconds: number
): Promise<HaproxySeries> {
  const [one, apart]: Point[][] = [[], []]
  for (const size of sizes.load) {
    one?.push({ size, value: await loadMs(size, size) })
    apart?.push({ size, value: await loadMs(size, APART) })
  }
  await using fleet = await startLoopbackFleet()
  const checked: [number, Checked][] = []
  for (const size of sizes.checks) checked.push([size, await checksOf(size, fleet.port, seconds)])
  const pointsOf = (key: keyof Checked): Point[] => checked.map(([size, values]) => ({ size, value: values[key] }))
  const of = 'servers'
  return {
    load: { what: '`haproxy -c`, all in one backend', of, unit: 'ms', power: 2, points: one ?? [] },
    loadApart: { what: `\`haproxy -c\`, ${APART} in each backend`, of, unit: 'ms', power: 1, points: apart ?? [] },
    checks: { what: 'HAProxy at rest', of: 'TCP checks a second', unit: 'cores', power: 1, points: pointsOf('cores') },
    memory: { what: 'HAProxy, resident', of, unit: 'MB', power: 1, points: pointsOf('mb') }
  }
}
