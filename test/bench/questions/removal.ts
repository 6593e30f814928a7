import { setTimeout as sleep } from 'node:timers/promises'
import { compileTemplate } from '../../../src/render/template.ts'
import { startBareHaproxy } from '../../support/haproxy/bare-haproxy.ts'
import { startControlTier } from '../../support/load/control-tier.ts'
import { fleetIp, fleetTemplate, probeIp } from '../../support/load/fleet-config.ts'
import { startLoopbackFleet, type LoopbackFleet } from '../../support/load/loopback-fleet.ts'
import { startProbing } from '../../support/load/probing.ts'
import { lastReconfiguration } from '../../support/load/reconfigurations.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { warmFleet } from '../../support/load/warm-fleet.ts'
import { figure, latencies, NONE, ratio, rounds } from '../figures.ts'
import type { Options, Table } from '../table.ts'

async function viaControlTier(size: number, fleet: LoopbackFleet, each: Iterable<number>): Promise<number[]> {
  const address = ownAddress()
  await using tier = await startControlTier(fleetTemplate(address, fleet.port), { KONTROL_DAMPER: '0' })
  await warmFleet(tier, size)
  await using probing = startProbing(`http://${address}:8080`)
  const times: number[] = []
  for (const round of each) {
    const pod = { app: 'probe', id: `probe-${round}`, ip: probeIp(round), key: `p${round}` }
    await Promise.all([probing.next(200), tier.ping(pod)])
    await sleep(300 + size / 4)
    const start = performance.now()
    const [gone] = await Promise.all([probing.next(503), tier.ping({ ...pod, down: true })])
    times.push(gone - start)
    const { outcome } = await lastReconfiguration(tier)
    if (outcome !== 'applied') throw new Error(`a leave among ${size} was ${outcome}`)
    await sleep(300 + size / 4)
  }
  return times
}

/** One HTTP request and the bare command. */
async function floorOf(size: number, fleet: LoopbackFleet, each: Iterable<number>): Promise<number[]> {
  const address = ownAddress()
  const hosts = new Map([['fleet', Array.from({ length: size }, (_, n) => fleetIp(n))]])
  const { text } = compileTemplate(fleetTemplate(address, fleet.port)).render({ hosts })
  await using haproxy = await startBareHaproxy(`${text}\n`)
  await using probing = startProbing(`http://${address}:8080`)
  const times: number[] = []
  for (const round of each) {
    const name = `probe/p${round}`
    await haproxy.say(`add server ${name} ${probeIp(round)}:${fleet.port};set server ${name} state ready`)
    await probing.next(200)
    await sleep(50)
    const start = performance.now()
    await probing.next(200)
    await haproxy.say(`set server ${name} state maint`)
    times.push((await probing.next(503)) - start)
  }
  return times
}

/** From a slave's goodbye to the last request that is sent to it. */
export async function removal(options: Options): Promise<Table[]> {
  await using fleet = await startLoopbackFleet()
  const rows: string[][] = []
  for (const size of options.quick ? [10] : [10, 1_000, 10_000]) {
    const floor = await floorOf(size, fleet, rounds(options, 40, 3))
    const times = await viaControlTier(size, fleet, rounds(options, 25, size > 5_000 ? 25 : 10))
    const servers = size.toLocaleString('en-US')
    rows.push([servers, 'floor', ...latencies(floor), NONE])
    rows.push([servers, '`PUT /ping` with `down`', ...latencies(times), figure(ratio(times, floor))])
  }
  return [
    {
      title: 'A leave is live',
      text: `From the goodbye of a slave to the first request that is not sent to it any more, in milliseconds, with
\`KONTROL_DAMPER=0\`. The floor is one HTTP request and the bare command on HAProxy's socket.`,
      columns: ['other servers', 'way', 'p50', 'p99', 'n', 'to the floor'],
      rows
    }
  ]
}
