import { levelOf, type Proxy, type Server } from '../answers.ts'
import { useConnection, useResource } from '../live/hooks.ts'
import { Action, Age, Mark, Table, type Column } from '../parts.tsx'
import { byteCount, grouped } from '../../../model/words/figures.ts'

/** Down, or on its way there: the others are as they are by their status alone. */
const isExplained = ({ status, left }: Server): boolean => !left && /^(?:bad|warn)$/.test(levelOf(status))

/** Shown while there is one to explain. */
const WHY: Column<Server> = {
  title: 'Why',
  kind: 'wide',
  cell: (server) => isExplained(server) && <span class="quiet">{server.check}</span>
}

/** The servers of one section. */
export function Servers({ proxy }: { proxy: string }) {
  const { tier } = useConnection()
  const haproxy = useResource<{ proxies: Proxy[] }>(`api/v1/haproxy?proxy=${encodeURIComponent(proxy)}`, {
    everyMs: 5000,
    events: ['reconfigured']
  })
  const act = (server: string, state: 'ready' | 'drain' | 'maint') => () =>
    tier.change('POST', 'api/v1/haproxy/servers', { backend: proxy, server, state })
  const servers = haproxy.body?.proxies.find(({ name }) => name === proxy)?.servers ?? []
  const columns: Column<Server>[] = [
    { title: 'Server', cell: ({ name }) => name },
    {
      title: 'Address',
      cell: ({ address }) => <a href={`?q=${encodeURIComponent(address.replace(/:\d*$/, ''))}#pods`}>{address}</a>
    },
    {
      title: 'Status',
      cell: ({ status, left }) =>
        left ? <span class="quiet">left</span> : <Mark level={levelOf(status)}>{status}</Mark>
    },
    { title: 'Since', cell: ({ since }) => since !== undefined && <Age at={since} /> },
    ...(servers.some(isExplained) ? [WHY] : []),
    { title: 'Sessions', kind: 'number', cell: ({ sessions }) => grouped(sessions) },
    { title: 'Total', kind: 'number', cell: ({ totalSessions }) => grouped(totalSessions) },
    { title: 'In', kind: 'number', cell: ({ bytesIn }) => byteCount(bytesIn) },
    { title: 'Out', kind: 'number', cell: ({ bytesOut }) => byteCount(bytesOut) },
    {
      title: 'Action',
      cell: ({ name, status, left }) =>
        left ? null : /^(?:MAINT|DRAIN)/.test(status) ? (
          <Action label="Ready" question={`Let ${proxy}/${name} take requests again?`} act={act(name, 'ready')} />
        ) : (
          <>
            <Action
              label="Drain"
              question={`Send no new request to ${proxy}/${name}, until somebody says ready?`}
              act={act(name, 'drain')}
            />{' '}
            <Action
              label="Maintenance"
              question={`Take ${proxy}/${name} out of service, without checks, until somebody says ready?`}
              act={act(name, 'maint')}
            />
          </>
        )
    }
  ]
  return (
    <Table caption={`Servers of ${proxy}`} noun="server" columns={columns} rows={servers} keyOf={({ name }) => name} />
  )
}
