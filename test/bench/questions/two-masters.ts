import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { startControlTier, type ControlTier } from '../../support/load/control-tier.ts'
import { fleetTemplate, probeIp } from '../../support/load/fleet-config.ts'
import { startLoopbackFleet } from '../../support/load/loopback-fleet.ts'
import { startProbing } from '../../support/load/probing.ts'
import { startEtcd, type EtcdCluster } from '../../support/neighbours/start-etcd.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { warmFleet } from '../../support/load/warm-fleet.ts'
import { figure, latencies, NONE, ratio, rounds } from '../figures.ts'
import type { Options, Table } from '../table.ts'

const PODS = 100
const PAUSE_MS = 400

/** What etcd has written: revisions of keys, and entries of its log. */
async function writesOf(etcd: EtcdCluster): Promise<{ revision: number; entries: number }> {
  const { header } = (await etcd.call('/v3/kv/range', { key: 'AA==' })) as { header: { revision: string } }
  const { body } = await request(`${etcd.hosts[0]}/metrics`)
  const [, entries] = /^etcd_server_proposals_committed_total (\S+)$/m.exec(await body.text()) ?? []
  return { revision: Number(header.revision), entries: Number(entries) }
}

/** Milliseconds from keepalives at the one to the first requests that the other's HAProxy leads to the new pods. */
async function joinsBetween(
  at: ControlTier,
  served: string,
  port: number,
  each: Iterable<number>,
  prefix: string
): Promise<number[]> {
  await using probing = startProbing(`http://${served}:${port}`)
  const times: number[] = []
  for (const round of each) {
    const pod = { app: 'probe', id: `${prefix}-${round}`, ip: probeIp(round), key: `${prefix}${round}` }
    await probing.next(503)
    const start = performance.now()
    const [live] = await Promise.all([probing.next(200), at.ping(pod)])
    times.push(live - start)
    await sleep(PAUSE_MS)
    await Promise.all([probing.next(503), at.ping({ ...pod, down: true })])
    await sleep(PAUSE_MS)
  }
  return times
}

/** Two masters that share one etcd. */
export async function twoMasters(options: Options): Promise<Table[]> {
  const restSeconds = options.quick ? 1 : 20
  await using fleet = await startLoopbackFleet()
  await using etcd = await startEtcd()
  const [here, there] = [ownAddress(), ownAddress()]
  const env = { KONTROL_ETCD: etcd.hosts.join(','), KONTROL_DAMPER: '0' }
  await using first = await startControlTier(fleetTemplate(here, fleet.port), { ...env, KONTROL_ID: 'first' })
  await using second = await startControlTier(fleetTemplate(there, fleet.port), { ...env, KONTROL_ID: 'second' })
  await warmFleet(first, PODS)
  const own = await joinsBetween(first, here, 8080, rounds(options, 40, 15), 'a')
  const other = await joinsBetween(first, there, 8080, rounds(options, 40, 15), 'b')
  const leads = JSON.parse(await second.get('/api/v1/apps')) as { apps: { app: string; pods: number }[] }
  if (leads.apps.find(({ app }) => app === 'fleet')?.pods !== PODS) {
    throw new Error(`the second master has other pods: ${JSON.stringify(leads)}`)
  }
  await sleep(1_000)
  const before = await writesOf(etcd)
  for (let pod = 0; pod < PODS; pod++) {
    const [id, ip] = [`fleet-${pod}`, `127.100.0.${pod}`]
    for (const tier of [first, second]) await tier.ping({ app: 'fleet', id, ip, key: `f${pod}` })
    await sleep((restSeconds * 1_000) / PODS)
  }
  const after = await writesOf(etcd)
  return [
    {
      title: 'Two masters, one etcd',
      text: `From a keepalive at one master to the first request that an HAProxy leads to the new pod, in milliseconds, with
${PODS} other servers and \`KONTROL_DAMPER=0\`. etcd has one member on the same machine, and syncs its log to the disk before a
pod counts as recorded.`,
      columns: ['whose HAProxy', 'p50', 'p99', 'n', 'to its own'],
      rows: [
        ["the master's own", ...latencies(own), NONE],
        ["the other master's", ...latencies(other), figure(ratio(other, own))]
      ]
    },
    {
      title: 'What etcd writes at rest',
      text: `While the same ${PODS} pods send keepalives to both masters and nothing changes. What etcd's log gets beside them keeps
the leader in its place.`,
      columns: ['seconds', 'keepalives', 'revisions of keys', 'aim', 'entries of its log'],
      rows: [
        [
          ...[restSeconds, 2 * PODS, after.revision - before.revision],
          `about 0: ${after.revision - before.revision <= 2 ? 'met' : '**not met**'}`,
          after.entries - before.entries
        ]
      ]
    }
  ]
}
