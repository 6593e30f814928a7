import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { compileTemplate } from '../../../src/render/template.ts'
import { startBareHaproxy } from '../../support/haproxy/bare-haproxy.ts'
import { startControlTier } from '../../support/load/control-tier.ts'
import { fleetIp, fleetTemplate, probeIp } from '../../support/load/fleet-config.ts'
import { startLoopbackFleet, type LoopbackFleet } from '../../support/load/loopback-fleet.ts'
import { startProbing } from '../../support/load/probing.ts'
import { lastReconfiguration, type Ended } from '../../support/load/reconfigurations.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { percentile, warmFleet } from '../../support/load/warm-fleet.ts'
import { atMost, figure, latencies, median, NONE, ratio, rounds } from '../figures.ts'
import type { Options, Table } from '../table.ts'

/** p50 against the floor, by other servers; and p99 against p50. */
const aimOf = (size: number): number => (size > 5_000 ? 4 : 2)
const AIM_OF_P99 = 4

interface Way {
  template: (address: string, port: number) => string
  env: Record<string, string>
  outcome: 'applied' | 'reloaded'
  /** Milliseconds from one change to the next: longer than what goes on behind the one before, and than the damper. */
  pauseMs: number
  rounds: Iterable<number>
}

interface Taken {
  times: number[]
  /** Milliseconds from the keepalive to the beginning of what it caused. */
  begun: number[]
  entries: Ended[]
}

async function viaControlTier(size: number, fleet: LoopbackFleet, way: Way): Promise<Taken> {
  const address = ownAddress()
  await using tier = await startControlTier(way.template(address, fleet.port), way.env)
  await warmFleet(tier, size)
  await using probing = startProbing(`http://${address}:8080`)
  const taken: Taken = { times: [], begun: [], entries: [] }
  for (const round of way.rounds) {
    const pod = { app: 'probe', id: `probe-${round}`, ip: probeIp(round), key: `p${round}` }
    await probing.next(503)
    const [start, startedAt] = [performance.now(), Date.now()]
    const [live] = await Promise.all([probing.next(200), tier.ping(pod)])
    taken.times.push(live - start)
    const entry = await lastReconfiguration(tier)
    if (entry.outcome !== way.outcome) throw new Error(`a join among ${size} was ${entry.outcome}, not ${way.outcome}`)
    taken.entries.push(entry)
    taken.begun.push(Date.parse(entry.startedAt) - startedAt)
    await sleep(way.pauseMs)
    await Promise.all([probing.next(503), tier.ping({ ...pod, down: true })])
    await sleep(way.pauseMs)
  }
  return taken
}

const staticConfig = (size: number, address: string, port: number, probes: string): string =>
  `${
    compileTemplate(fleetTemplate(address, port, probes)).render({
      hosts: new Map([['fleet', Array.from({ length: size }, (_, n) => fleetIp(n))]])
    }).text
  }\n`

/** One HTTP request and the bare commands: no program between them can be faster. */
async function floorOf(size: number, fleet: LoopbackFleet, each: Iterable<number>): Promise<number[]> {
  const address = ownAddress()
  await using haproxy = await startBareHaproxy(staticConfig(size, address, fleet.port, ''))
  await using probing = startProbing(`http://${address}:8080`)
  const times: number[] = []
  for (const round of each) {
    const name = `probe/p${round}`
    const start = performance.now()
    await probing.next(503)
    await haproxy.say(`add server ${name} ${probeIp(round)}:${fleet.port};set server ${name} state ready`)
    times.push((await probing.next(200)) - start)
    await haproxy.say(`set server ${name} state maint`)
    await sleep(50)
  }
  return times
}

const RESOLVERS = (address: string, port: number): string => `resolvers dns
  nameserver one ${address}:${port}
  hold valid 100ms
  hold nx 100ms
  hold obsolete 100ms
  timeout resolve 100ms
  timeout retry 100ms
`

/** HAProxy's own way: it asks a name server for the addresses of a template, ten times a second. */
async function viaDns(size: number, fleet: LoopbackFleet, each: Iterable<number>): Promise<number[]> {
  const address = ownAddress()
  await using dir = await tempDir()
  const hosts = dir.file('hosts')
  await mkdir(hosts)
  const port = randomInt(20_000, 30_000)
  const args = ['-k', '-R', '-h', '-C', '/dev/null', `-p${port}`, `--listen-address=${address}`, '-z', '-u', 'root']
  const dnsmasq = spawn('dnsmasq', [...args, '--local=/test/', `--hostsdir=${hosts}`], { stdio: 'ignore' })
  const exited = once(dnsmasq, 'exit')
  const template = `server-template probe 5 probe.test:${fleet.port} resolvers dns init-addr none check inter 100ms`
  const times: number[] = []
  try {
    await using haproxy = await startBareHaproxy(
      RESOLVERS(address, port) + staticConfig(size, address, fleet.port, template)
    )
    await haproxy.say('show info')
    await using probing = startProbing(`http://${address}:8080`)
    for (const round of each) {
      await sleep(1_000 + randomInt(200))
      const start = performance.now()
      await writeFile(`${hosts}/probe-${round}`, `${probeIp(round)} probe.test\n`)
      times.push((await probing.next(200)) - start)
      await rm(`${hosts}/probe-${round}`)
      // dnsmasq forgets what a file said when it is told to begin anew.
      dnsmasq.kill('SIGHUP')
      await probing.next(503)
    }
  } finally {
    dnsmasq.kill('SIGTERM')
    await exited
  }
  return times
}

const reloading = (address: string, port: number): string =>
  fleetTemplate(address, port, 'http-response set-header x-probes {{ hosts.probe | length }}')

/** Where the milliseconds of a join go, as the program tells them itself. */
function phaseRow(size: number, { times, begun, entries }: Taken): string[] {
  const of = (phase: 'render' | 'configure'): number => median(entries.map(({ phases }) => phases[phase] ?? 0))
  const [total, begins, render, configure] = [median(times), median(begun), of('render'), of('configure')]
  const found = total - begins - render - configure
  return [size.toLocaleString('en-US'), ...[total, begins, render, configure, found].map(figure)]
}

/** From a new slave's keepalive to the first request that it answers through HAProxy. */
export async function convergence(options: Options): Promise<Table[]> {
  await using fleet = await startLoopbackFleet()
  const [rows, phases]: [string[][], string[][]] = [[], []]
  for (const size of options.quick ? [10] : [10, 1_000, 10_000]) {
    const pauseMs = 300 + size / 4
    // What a larger fleet costs is mostly waiting: a round more, and the others have less time.
    const seconds = (small: number, large: number): number => (size > 5_000 ? large : small)
    const floor = await floorOf(size, fleet, rounds(options, 40, 3))
    const way = { template: fleetTemplate, env: { KONTROL_DAMPER: '0' }, outcome: 'applied', pauseMs } as const
    const live = await viaControlTier(size, fleet, { ...way, rounds: rounds(options, 25, seconds(11, 30)) })
    const quiet = { ...way, env: {}, pauseMs: 1_200 + size / 4 }
    const damped = await viaControlTier(size, fleet, { ...quiet, rounds: rounds(options, 15, seconds(11, 16)) })
    const reloads = await viaControlTier(size, fleet, {
      ...{ ...way, template: reloading, outcome: 'reloaded' },
      env: { KONTROL_DAMPER: '0', KONTROL_RELOAD_INTERVAL: '0' },
      rounds: rounds(options, 8, seconds(6, 10))
    })
    const named = await viaDns(size, fleet, rounds(options, 8, 5))
    const aims = (times: number[]): string => {
      const p99 = percentile(times, 0.99) / median(times)
      return `${atMost(aimOf(size), ratio(times, floor))}; p99 ${atMost(AIM_OF_P99, p99, ' × p50')}`
    }
    const row = (name: string, times: number[], aim = NONE): void => {
      const toFloor = times === floor ? NONE : figure(ratio(times, floor))
      rows.push([size.toLocaleString('en-US'), name, ...latencies(times), toFloor, aim])
    }
    row('floor', floor)
    row('`PUT /ping`, `KONTROL_DAMPER=0`', live.times, aims(live.times))
    row('`PUT /ping`, default damper, quiet fleet', damped.times, aims(damped.times))
    row('the same by a reload', reloads.times)
    row('`server-template`, dnsmasq, each 100 ms', named)
    phases.push(phaseRow(size, live))
  }
  return [
    {
      title: 'A join is live',
      text: `From \`PUT /ping\` of a new slave to the first request that it answers through HAProxy, in milliseconds. The floor
is one HTTP request and the bare commands on HAProxy's socket, without a program between them. HAProxy's own
\`server-template\` sees a name that has changed; what it does not see is who changes the name, and that a pod that was killed
has gone.`,
      columns: ['other servers', 'way', 'p50', 'p99', 'n', 'to the floor', 'aim'],
      rows
    },
    {
      title: 'Where the milliseconds of a join go',
      text: `Medians of the joins with \`KONTROL_DAMPER=0\` above, as the program itself tells them (\`GET /api/v1/reconfigurations\`):
the request and the registry until a reconfiguration begins, which is known to the millisecond; rendering; planning and
applying; the rest is the request through HAProxy that finds the new server.`,
      columns: ['other servers', 'in all, ms', 'until it begins', 'render', 'configure', 'the rest'],
      rows: phases
    }
  ]
}
