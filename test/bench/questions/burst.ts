import { setTimeout as sleep } from 'node:timers/promises'
import { haproxyPaths } from '../../../src/haproxy/files/paths.ts'
import { exchange } from '../../../src/haproxy/socket/exchange.ts'
import { parseServersState } from '../../../src/haproxy/socket/show-servers-state.ts'
import { startBareHaproxy } from '../../support/haproxy/bare-haproxy.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { startControlTier } from '../../support/load/control-tier.ts'
import { fleetTemplate, probeIp } from '../../support/load/fleet-config.ts'
import { startLoopbackFleet, type LoopbackFleet } from '../../support/load/loopback-fleet.ts'
import { startProbing } from '../../support/load/probing.ts'
import { warmFleet } from '../../support/load/warm-fleet.ts'
import { compileTemplate } from '../../../src/render/template.ts'
import { atMost, figure, inEach, latencies, median, NONE, ratio, rounds } from '../figures.ts'
import type { Options, Table } from '../table.ts'

const OTHERS = 10
const AIM_MS = 1_000
/** Commands on a line, which has room for 16 KiB. */
const AT_ONCE = 100
const RUNNING = 2
const PATIENCE_MS = 60_000

type Say = (line: string) => Promise<string>

/** Returns when as many servers of `probe` take requests. */
async function takenBy(say: Say, wanted: number): Promise<number> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const states = await parseServersState(await say('show servers state probe'))
    const live = states.filter(({ operational, administrative }) => operational === RUNNING && administrative === 0)
    if (live.length === wanted) return performance.now()
    if (performance.now() > deadline) throw new Error(`${live.length} servers, and not ${wanted}`)
    await sleep(2)
  }
}

async function viaControlTier(
  pods: number,
  fleet: LoopbackFleet,
  env: Record<string, string>,
  each: Iterable<number>
): Promise<number[]> {
  const address = ownAddress()
  await using tier = await startControlTier(fleetTemplate(address, fleet.port), env)
  await warmFleet(tier, OTHERS)
  await using probing = startProbing(`http://${address}:8080`)
  const say: Say = async (line) => await exchange(haproxyPaths(tier.dataFolder).runtimeSocket, line)
  const all = Array.from({ length: pods }, (_, n) => ({ app: 'probe', id: `probe-${n}`, ip: probeIp(n), key: `p${n}` }))
  const times: number[] = []
  await inEach(each, async () => {
    const start = performance.now()
    const [live] = await Promise.all([takenBy(say, pods), ...all.map(async (pod) => await tier.ping(pod))])
    times.push(live - start)
    await probing.next(200)
    await sleep(1_500)
    await Promise.all([takenBy(say, 0), ...all.map(async (pod) => await tier.ping({ ...pod, down: true }))])
    await sleep(1_500)
  })
  return times
}

async function floorOf(pods: number, fleet: LoopbackFleet, each: Iterable<number>): Promise<number[]> {
  const template = compileTemplate(fleetTemplate(ownAddress(), fleet.port))
  const { text } = template.render({ hosts: new Map() })
  const times: number[] = []
  await inEach(each, async () => {
    await using haproxy = await startBareHaproxy(`${text}\n`)
    const start = performance.now()
    for (let at = 0; at < pods; at += AT_ONCE) {
      const names = Array.from({ length: Math.min(AT_ONCE, pods - at) }, (_, n) => at + n)
      const commands = names.map(
        (n) => `add server probe/p${n} ${probeIp(n)}:${fleet.port};set server probe/p${n} state ready`
      )
      await haproxy.say(commands.join(';'))
    }
    times.push((await takenBy(async (line) => await haproxy.say(line), pods)) - start)
  })
  return times
}

/** Many pods that join in the same moment. */
export async function burst(options: Options): Promise<Table[]> {
  const pods = options.quick ? 50 : 1_000
  await using fleet = await startLoopbackFleet()
  const floor = await floorOf(pods, fleet, rounds(options, 5, 5))
  const live = await viaControlTier(pods, fleet, { KONTROL_DAMPER: '0' }, rounds(options, 5, 10))
  const damped = await viaControlTier(pods, fleet, {}, rounds(options, 5, 10))
  const row = (way: string, times: number[]): string[] => {
    const [toFloor, aim] = [figure(ratio(times, floor)), atMost(AIM_MS, median(times), ' ms')]
    return [way, ...latencies(times), ...(times === floor ? [NONE, NONE] : [toFloor, aim])]
  }
  return [
    {
      title: `${pods.toLocaleString('en-US')} pods join at once`,
      text: `From the first of their \`PUT /ping\`, sent over 16 connections, until HAProxy says that each of them takes requests,
in milliseconds, with ${OTHERS} other servers. The floor is the bare commands, without keepalives. The damper lets the first
change through at once, and gathers the others for its window (\`KONTROL_DAMPER\`). With the
default of 1 s they wait until it is over, by design, so the aim is missed by what it takes to apply them.`,
      columns: ['way', 'p50', 'p99', 'n', 'to the floor', 'aim'],
      rows: [row('floor', floor), row('`KONTROL_DAMPER=0`', live), row('default damper', damped)]
    }
  ]
}
