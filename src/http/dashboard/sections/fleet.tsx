import type { Pod } from '../answers.ts'
import { useResource } from '../live/hooks.ts'
import { Age, Mark, Section, Table, type Column } from '../parts.tsx'
import { POD_EVENTS } from './pods.tsx'

const COLUMNS: readonly Column<Pod>[] = [
  { title: 'Proxy', cell: ({ id }) => id },
  { title: 'Address', cell: ({ ip }) => ip },
  { title: 'External', kind: 'lines', cell: ({ payload }) => externals(payload).join('\n') || 'none' },
  { title: 'Up for', cell: ({ firstSeen }) => <Age at={firstSeen} /> },
  { title: 'Last seen', cell: ({ lastSeen }) => <Age at={lastSeen} /> },
  { title: 'State', cell: ({ held }) => <Mark level={held ? 'warn' : 'ok'}>{held ? 'held' : 'live'}</Mark> }
]

/** The proxies of the app: whose addresses the DNS record is made of. */
export function Fleet({ app }: { app: string }) {
  const pods = useResource<{ pods: Pod[] }>(`api/v1/pods?app=${encodeURIComponent(app)}&limit=200`, {
    everyMs: 15_000,
    events: POD_EVENTS
  })
  const rows = pods.body?.pods ?? []
  return (
    <Section id="fleet" title="Proxies">
      <p class="quiet">{rows.length === 0 ? 'No proxy has reported itself: this one is not its own master.' : ''}</p>
      <Table caption="The proxies of the app" noun="proxy" columns={COLUMNS} rows={rows} keyOf={({ key }) => key} />
    </Section>
  )
}

/** A proxy tells its external addresses in its payload, as one text or as a list. */
function externals(payload: unknown): string[] {
  const { eip } = (typeof payload === 'object' && payload !== null ? payload : {}) as { eip?: unknown }
  return (Array.isArray(eip) ? eip : [eip]).filter((address) => typeof address === 'string')
}
