import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { startBareRoute } from '../../support/load/bare-route.ts'
import { fleetIp, fleetTemplate, probeIp } from '../../support/load/fleet-config.ts'
import { keepaliveOf, sendKeepalive } from '../../support/load/known-pods.ts'
import { startLoopbackFleet } from '../../support/load/loopback-fleet.ts'
import { startPinger } from '../../support/load/start-pinger.ts'
import { startControlTier, type ControlTier } from '../../support/load/control-tier.ts'
import { lastReconfiguration } from '../../support/load/reconfigurations.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { percentile, warmFleet } from '../../support/load/warm-fleet.ts'
import { atMost, figure, NONE } from '../figures.ts'
import type { Options, Table } from '../table.ts'

const AIM_MS = 10
const WHOLE = { rate: 1_000, servers: 10_000, others: 10_000, seconds: 8 }
const QUICK = { rate: 100, servers: 20, others: 20, seconds: 0.5 }
const [JOINS_A_SECOND, CLIENTS] = [100, 10]
/** What the page of one client asks for: the least time between two questions of one kind is a second. */
const PAGE = ['/readyz', '/api/v1/apps', '/api/v1/haproxy?proxy=', '/api/v1/traffic', '/api/v1/reconfigurations']

/** Something that goes on until it is told to end, and tells how often it was done. */
type Load = (tier: ControlTier, isOver: () => boolean) => Promise<number | undefined>

/** Each time it goes on where it was. */
const again = (work: (tier: ControlTier, turn: number) => Promise<void>): Load => {
  let turn = 0
  return async (tier, isOver) => {
    const first = turn
    for (; !isOver(); turn++) await work(tier, turn)
    return turn - first
  }
}

const listAll =
  (pods: number): Load =>
  async (tier, isOver) =>
    await again(async () => {
      const { pods: listed } = JSON.parse(await tier.get('/api/v1/pods')) as { pods: unknown[] }
      if (listed.length < pods) throw new Error(`${listed.length} of ${pods} pods are listed`)
    })(tier, isOver)

/** The first of a numbered list leaves, and comes back as its last. */
const change: Load = again(async (tier, turn) => {
  const before = (await lastReconfiguration(tier)).id
  const pod = turn >> 1
  const down = turn % 2 === 0
  await tier.ping({ app: 'fleet', id: `fleet-${pod}`, ip: fleetIp(pod), key: `f${pod}`, ...(down && { down }) })
  for (;;) {
    const { id, outcome } = await lastReconfiguration(tier)
    if (id === before) await sleep(2)
    else if (outcome === 'applied') return
    else throw new Error(`a change was ${outcome}`)
  }
})

const nothing: Load = async (_tier, isOver) => {
  while (!isOver()) await sleep(100)
  return undefined
}

/** Pods that have not been there before, each time it goes on. */
const join = (): Load => {
  let joined = 0
  return async (tier, isOver) => {
    const joining: Promise<void>[] = []
    const started = performance.now()
    for (; !isOver(); await sleep(5)) {
      while (joining.length < ((performance.now() - started) * JOINS_A_SECOND) / 1000) {
        const pod = joined++
        joining.push(tier.ping({ app: 'probe', id: `probe-${pod}`, ip: probeIp(pod), key: `p${pod}` }))
      }
    }
    await Promise.all(joining)
    return joining.length
  }
}

/** Each follows the events, and asks for what the page shows once a second; a pod comes or goes ten times a second. */
const watch: Load = async (tier, isOver) => {
  const origin = tier.url
  const pool = new Pool(origin, { connections: 2 * CLIENTS })
  const ended = new AbortController()
  let events = 0
  const follow = async (): Promise<void> => {
    const { body } = await pool.request({ path: '/api/v1/events', method: 'GET', signal: ended.signal })
    try {
      for await (const chunk of body) events += String(chunk).split('\nevent: ').length - 1
    } catch (error) {
      if (!ended.signal.aborted) throw error
    }
  }
  const look = again(async () => {
    for (const path of PAGE) await tier.get(path)
    await sleep(1_000)
  })
  const move = again(async (_tier, turn) => {
    const down = turn % 2 === 1
    await tier.ping({ app: 'seen', id: 'seen', ip: probeIp(60_000), key: 'seen', ...(down && { down }) })
    await sleep(100)
  })
  const following = Array.from({ length: CLIENTS }, follow)
  await Promise.all([...Array.from({ length: CLIENTS }, async () => await look(tier, isOver)), move(tier, isOver)])
  ended.abort()
  await Promise.all(following)
  await pool.destroy()
  if (events === 0) throw new Error('no event was seen')
  return events
}

/** How long keepalives wait while a master has other things to do. */
export async function undisturbed({ quick }: Options): Promise<Table[]> {
  const { rate, servers, others, seconds } = quick ? QUICK : WHOLE
  await using fleet = await startLoopbackFleet()
  await using route = await startBareRoute()
  await using tier = await startControlTier(fleetTemplate(ownAddress(), fleet.port), { KONTROL_DAMPER: '0' })
  await warmFleet(tier, servers)
  const pool = new Pool(tier.url, { connections: 16 })
  await Promise.all(Array.from({ length: others }, async (_, pod) => await sendKeepalive(pool, keepaliveOf(pod, 50))))
  await pool.close()
  const pods = (servers + others).toLocaleString('en-US')
  const loads: [string, Load][] = [
    [`nothing else, ${pods} pods known`, nothing],
    [`all of ${pods} pods are listed again and again`, listAll(servers + others)],
    [`a text of ${servers.toLocaleString('en-US')} servers is rendered, planned and applied again and again`, change],
    [`${JOINS_A_SECOND} pods join a second`, join()],
    [`${CLIENTS} clients look at the page and follow its events`, watch]
  ]
  const waitsAt = async (port: number, load: Load): Promise<{ times: number[]; done: number | undefined }> => {
    await using pinger = startPinger(port, rate)
    await sleep(500)
    await pinger.waits()
    const until = performance.now() + seconds * 1000
    const done = await load(tier, () => performance.now() > until)
    const times = await pinger.waits()
    await sleep(quick ? 500 : 3_000)
    return { times, done }
  }
  const routePort = Number(new URL(route.url).port)
  const rows: string[][] = []
  for (const [name, load] of loads) {
    const { times, done } = await waitsAt(tier.port, load)
    const p99 = percentile(times, 0.99)
    const figures = [percentile(times, 0.5), p99, Math.max(...times)].map(figure)
    const bare = await waitsAt(routePort, load)
    const counts = [times.length, done ?? NONE].map(String)
    rows.push([name, ...figures, figure(percentile(bare.times, 0.99)), ...counts, atMost(AIM_MS, p99, ' ms')])
  }
  return [
    {
      title: 'Nothing holds up a keepalive',
      text: `How long \`PUT /ping\` takes, in milliseconds, while another process sends ${rate.toLocaleString('en-US')} of them a second,
whatever became of those before, and the master has something else to do, with \`KONTROL_DAMPER=0\`. All share the cores of the
machine: HAProxy, the process that renders, and those who ask as well. How much of it is theirs the bare route tells: a process of
its own, which has nothing else to do, and takes the same keepalives while the master does the same once more.`,
      columns: ['meanwhile', 'p50', 'p99', 'longest', 'p99 of a bare route', 'keepalives', 'times done', 'aim'],
      rows
    }
  ]
}
