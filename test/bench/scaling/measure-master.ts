import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fleetTemplate, probeIp } from '../../support/load/fleet-config.ts'
import { keepaliveOf, seedRegistry } from '../../support/load/known-pods.ts'
import { startControlTier, type ControlTier } from '../../support/load/control-tier.ts'
import { lastReconfiguration } from '../../support/load/reconfigurations.ts'
import { processorTime } from '../../support/load/processor-time.ts'
import { residentMb } from '../../support/load/resident-mb.ts'
import { sendKeepalives, writeKeepalives, CONNECTIONS } from '../../support/load/send-keepalives.ts'
import { warmFleet } from '../../support/load/warm-fleet.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { createService, type RunningService } from '../../support/service/start-service.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { median } from '../figures.ts'
import type { Point, Series } from './law.ts'

const DRY = { template: '# nothing', env: { KONTROL_DRY_RUN: 'on', KONTROL_TTL: '3600' } }
/** What is called often is compiled by then, however little of a core there was. */
const [WARM_SECONDS, WARM_REQUESTS, WARM_TIMES] = [1, 15_000, 5]

/** µs of processor time, of all threads, that a keepalive takes over a kept connection. */
async function keepaliveUs(pods: number, seconds: number): Promise<number> {
  await using dir = await tempDir()
  const folder = dir.file('keepalives')
  await writeKeepalives(folder, pods)
  await using service = await createService(DRY)
  await seedRegistry(service.data, pods, CONNECTIONS)
  await service.start()
  const send = { url: service.url, carrier: 'kept', folder, prefix: [] } as const
  for (let sent = 0, times = 0; sent < WARM_REQUESTS && times < WARM_TIMES; times++) {
    sent += (await sendKeepalives({ ...send, seconds: WARM_SECONDS })).requests
  }
  const before = await processorTime(service.pid)
  const { requests } = await sendKeepalives({ ...send, seconds })
  return (((await processorTime(service.pid)) - before) * 1e6) / requests
}

export async function measureKeepalives(sizes: readonly number[], seconds: number): Promise<Series> {
  const points: Point[] = []
  for (const size of sizes) points.push({ size, value: await keepaliveUs(size, seconds) })
  return { what: 'keepalive by HTTP, processor time', of: 'known pods', unit: 'µs', power: 0, points }
}

/** A connection as that of a slave: it sends a keepalive, and stays. */
async function holdConnection(service: RunningService, pod: number): Promise<Socket> {
  const socket = connect(service.port, '127.0.0.1')
  await once(socket, 'connect')
  const body = JSON.stringify(keepaliveOf(pod, CONNECTIONS))
  socket.write(`PUT /ping HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  if (!answer.toString().startsWith('HTTP/1.1 200 ')) throw new Error(`a keepalive was answered with ${String(answer)}`)
  socket.resume()
  return socket
}

/** What a master weighs by the slaves that keep their connections open, each of which it knows as a pod. */
export async function measureConnections(sizes: readonly number[], restMs: number): Promise<Series> {
  await using service = await createService(DRY)
  await service.start()
  const sockets: Socket[] = []
  const points: Point[] = []
  for (const size of sizes) {
    while (sockets.length < size) {
      const from = sockets.length
      const next = Math.min(100, size - from)
      sockets.push(...(await Promise.all(Array.from({ length: next }, (_, at) => holdConnection(service, from + at)))))
    }
    await sleep(restMs)
    points.push({ size, value: await residentMb(service.pid) })
  }
  for (const socket of sockets) socket.destroy()
  return { what: 'a master, resident', of: 'slaves connected', unit: 'MB', power: 1, points }
}

const [DAMPER_SECONDS, CHANGES_A_SECOND] = [0.1, 30]
/** Rounds before those that count: what is called often is compiled by then. */
const WARM_ROUNDS = 15

/** What became of changes that came one after the other, and of many a second. */
export interface MeasuredRounds {
  lengths: Series
  many: { rate: number; window: number; servers: number; roundsASecond: number }
}

/** A pod of another app joins. */
const join = async (tier: ControlTier, pod: number): Promise<void> =>
  await tier.ping({ app: 'probe', id: `probe-${pod}`, ip: probeIp(pod), key: `p${pod}` })

/** Rounds of the whole program, with an HAProxy that has so many servers. */
export async function measureRounds(sizes: readonly number[], each: number, seconds: number): Promise<MeasuredRounds> {
  const template = fleetTemplate(ownAddress(), 80).replaceAll(' check', '')
  await using tier = await startControlTier(template, { KONTROL_DAMPER: String(DAMPER_SECONDS) })
  const points: Point[] = []
  let pod = 0
  const lengthOfRound = async (): Promise<number> => {
    const { id: before } = await lastReconfiguration(tier)
    await join(tier, pod++)
    const { phases, outcome } = await nextRound(tier, before)
    if (outcome !== 'applied') throw new Error(`a join was ${outcome}`)
    await sleep(1_500 * DAMPER_SECONDS)
    return (phases.render ?? NaN) + (phases.configure ?? NaN)
  }
  for (const size of sizes) {
    await warmFleet(tier, size)
    for (let round = 0; size === sizes[0] && round < WARM_ROUNDS; round++) await lengthOfRound()
    const lengths: number[] = []
    while (lengths.length < each) lengths.push(await lengthOfRound())
    points.push({ size, value: median(lengths) })
  }
  const { id: first } = await lastReconfiguration(tier)
  const started = performance.now()
  for (let sent = 0; sent < CHANGES_A_SECOND * seconds; sent++) {
    await sleep(Math.max(0, started + (sent * 1_000) / CHANGES_A_SECOND - performance.now()))
    await join(tier, pod++)
  }
  const took = (performance.now() - started) / 1_000
  const roundsASecond = ((await lastReconfiguration(tier)).id - first) / took
  return {
    lengths: { what: 'a round: a pod joins', of: 'servers', unit: 'ms', power: 1, points },
    many: { rate: CHANGES_A_SECOND, window: DAMPER_SECONDS, servers: points.at(-1)?.size ?? 0, roundsASecond }
  }
}

async function nextRound(tier: ControlTier, before: number): ReturnType<typeof lastReconfiguration> {
  for (;;) {
    const last = await lastReconfiguration(tier)
    if (last.id > before) return last
    await sleep(5)
  }
}
