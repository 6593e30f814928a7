import { figure } from '../figures.ts'
import type { Table } from '../table.ts'
import * as model from './model.ts'

const [PROXIES, PODS] = [
  [10, 100, 1_000],
  [10_000, 100_000, 1_000_000]
]
const TIMES = { ttl: 25, fover: 10, inter: 5 }
/** Bounds that are named beside the fullest. */
const NAMED = 4

const count = (size: number): string => size.toLocaleString('en-US')
/** Of large figures that are calculated, three digits say enough. */
const rough = (value: number): string => figure(value >= 100 ? Number(value.toPrecision(3)) : value)

const fullest = (uses: readonly model.Use[]): string =>
  uses
    .slice(0, NAMED)
    .map(({ what, share }) => `${what} ${share >= 10 ? rough(share) : share.toFixed(share < 1 ? 2 : 1)}`)
    .join(', ')

function ofPods(c: model.Constants): Table {
  return {
    title: 'A proxy by its pods, calculated',
    text: `What each proxy has to do for its pods, however many proxies there are, from the laws of this run: \`inter ${TIMES.inter}s\`, a TTL of
${TIMES.ttl} s, and 46 bytes of text for a server.`,
    columns: [
      ...['pods', 'a round, ms', 'text, MB', '`haproxy -c`, one backend, s', '100 in each backend, s', 'HAProxy, MB'],
      ...['checks a second', 'cores for checks']
    ],
    rows: PODS.map((pods) => {
      const each = model.ofPods(c, { pods, proxies: 1, ...TIMES })
      return [
        count(pods),
        ...[each.roundMs, each.textMb, each.loadMs / 1_000, each.loadApartMs / 1_000, each.haproxyMb].map(rough),
        ...[each.checks, each.checkCores].map(rough)
      ]
    })
  }
}

function ofFleet(c: model.Constants, [how, of]: readonly [string, typeof model.alone]): Table['rows'] {
  return PODS.flatMap((pods) =>
    PROXIES.map((proxies) => {
      const fleet = { proxies, pods, ...TIMES }
      const master = of(c, fleet)
      const etcd = of === model.shared
      return [
        ...[how, count(pods), count(proxies)],
        ...[master.keepalives, master.connections, master.cores, master.memoryMb, master.ofPod].map(rough),
        rough(proxies / TIMES.inter),
        ...(etcd
          ? [model.beatsASecond(fleet), model.toldASecond(fleet), master.etcdCores].map(rough)
          : ['–', '–', '–']),
        fullest(model.usesOf(c, fleet, of))
      ]
    })
  )
}

/** What larger fleets would cost by the laws that were measured: calculated, and nothing else. */
export const planTables = (c: model.Constants): Table[] => [
  ofPods(c),
  {
    title: 'A fleet, calculated',
    text: `One master of a fleet, and the etcd that masters share. _alone_: no etcd, and each slave pings every master. _etcd_: each slave
pings one master, as through a Service, and the masters tell each other. A TTL of ${TIMES.ttl} s, \`KONTROL_FOVER\` ${TIMES.fover}, \`inter ${TIMES.inter}s\`. What is
fullest is named as a share of its bound, of which [scaling](scaling.md) says where it comes from: above 1 the fleet does not work so.`,
    columns: [
      ...['way', 'pods', 'proxies', 'keepalives a second at a master', 'its connections', 'its cores', 'its MB'],
      ...['pings a second of a pod', 'checks a second of a pod'],
      ...['keys written a second', 'changes told a second', 'cores of etcd', 'fullest']
    ],
    rows: [['alone', model.alone] as const, ['etcd', model.shared] as const].flatMap((way) => ofFleet(c, way))
  }
]
