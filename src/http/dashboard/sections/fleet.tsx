import type { Level, Master, Pod } from '../answers.ts'
import { useResource } from '../live/hooks.ts'
import { Age, Mark, Section, Table, type Column } from '../parts.tsx'
import { POD_EVENTS } from './pods.tsx'

/** A proxy by what its keepalives say, and by what it says of itself where it shares its registry with this master. */
interface Proxy {
  id: string
  ip: string
  pod: Pod | undefined
  master: Master | undefined
}

/** Enough of a digest to tell two apart. */
const SHOWN_DIGEST = 8

const COLUMNS: readonly Column<Proxy & { state: { level: Level; text: string } }>[] = [
  {
    title: 'Proxy',
    cell: ({ id, master }) => (
      <>
        {id}
        {master?.self === true && <span class="quiet"> this one</span>}
        {master?.leading === true && <span class="quiet"> leads</span>}
      </>
    )
  },
  { title: 'State', kind: 'lines', cell: ({ state: { level, text } }) => <Mark level={level}>{text}</Mark> },
  {
    title: 'Runs',
    cell: ({ master }) =>
      master !== undefined && (
        <code title={master.config ?? ''}>{master.config?.slice(0, SHOWN_DIGEST) ?? 'nothing known'}</code>
      )
  },
  { title: 'Address', cell: ({ ip }) => ip },
  { title: 'External', kind: 'lines', cell: ({ pod }) => (pod && externals(pod.payload).join('\n')) || 'none' },
  { title: 'Up for', cell: ({ pod }) => pod !== undefined && <Age at={pod.firstSeen} /> },
  { title: 'Last seen', cell: ({ pod }) => pod !== undefined && <Age at={pod.lastSeen} /> }
]

/** The proxies of the app: whose addresses the DNS record is made of, what each runs, who leads and who is behind. */
export function Fleet({ app, masters = [] }: { app: string; masters: readonly Master[] | undefined }) {
  const pods = useResource<{ pods: Pod[] }>(`api/v1/pods?app=${encodeURIComponent(app)}&limit=200`, {
    everyMs: 15_000,
    events: POD_EVENTS
  })
  const leader = masters.find(({ leading }) => leading)
  const rows = proxiesOf(pods.body?.pods ?? [], masters).map((proxy) => ({ ...proxy, state: stateOf(proxy, leader) }))
  return (
    <Section id="fleet" title="Proxies">
      <p class="quiet">
        {rows.every(({ pod }) => pod === undefined)
          ? 'No proxy has reported itself: this one is not its own master.'
          : ''}
      </p>
      <Table
        caption="The proxies of the app"
        noun="proxy"
        columns={COLUMNS}
        rows={rows}
        keyOf={({ id, ip }) => `${id} ${ip}`}
      />
    </Section>
  )
}

function proxiesOf(pods: readonly Pod[], masters: readonly Master[]): Proxy[] {
  const isOf = (pod: Pod) => (master: Master) => master.id === pod.id && master.ip === pod.ip
  const reported = pods.map((pod) => ({ id: pod.id, ip: pod.ip, pod, master: masters.find(isOf(pod)) }))
  const silent = masters.filter((master) => !reported.some((proxy) => proxy.master === master))
  return [...reported, ...silent.map((master) => ({ id: master.id, ip: master.ip, pod: undefined, master }))]
}

function stateOf({ pod, master }: Proxy, leader: Master | undefined): { level: Level; text: string } {
  if (master !== undefined && master.problems.length > 0)
    return { level: 'bad', text: ['behind', ...master.problems].join('\n') }
  if (pod?.held === true) return { level: 'warn', text: 'held' }
  if (master === undefined) return { level: 'ok', text: 'live' }
  const differs = leader !== undefined && master.config !== leader.config
  return differs ? { level: 'warn', text: 'runs other than the leader' } : { level: 'ok', text: 'in line' }
}

/** A proxy tells its external addresses in its payload, as one text or as a list. */
function externals(payload: unknown): string[] {
  const { eip } = (typeof payload === 'object' && payload !== null ? payload : {}) as { eip?: unknown }
  return (Array.isArray(eip) ? eip : [eip]).filter((address) => typeof address === 'string')
}
