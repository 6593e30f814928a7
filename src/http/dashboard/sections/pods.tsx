import type { App, Pod, Proxy, Server } from '../answers.ts'
import { levelOf } from '../answers.ts'
import { useAddress, useConnection, useOpen, useResource } from '../live/hooks.ts'
import { Action, Age, Fold, Mark, MAX_ROWS, Section, Table, type Column } from '../parts.tsx'
import { counted, grouped, shortened } from '../../../model/words/figures.ts'

export const POD_EVENTS = ['pod-up', 'pod-down', 'pod-changed', 'pods-held', 'pods-released']

/** Apps that are listed; the search finds the others. */
const MAX_APPS = 200
/** A search with so few apps left shows their pods at once. */
const OPENED_BY_SEARCH = 5
const PAYLOAD_CHARACTERS = 200

/** Apps, their pods, and how HAProxy finds the server of each. */
export function Pods({ apps, ownApp }: { apps: App[]; ownApp: string }) {
  const [address, change] = useAddress()
  const search = address.get('q') ?? ''
  const { keys, toggle } = useOpen('app')
  const shown = apps.slice(0, MAX_APPS)
  return (
    <Section id="pods" title="Pods">
      <p class="search">
        <label for="search">Search app, id, address, role</label>
        <input
          id="search"
          type="search"
          autocomplete="off"
          spellcheck={false}
          value={search}
          onInput={({ currentTarget }) => change({ q: currentTarget.value })}
        />
      </p>
      <p class="quiet">{describe(apps, search !== '')}</p>
      <div id="apps">
        {shown.map((app) => {
          const found = search !== '' && keys.length === 0 && apps.length <= OPENED_BY_SEARCH
          return (
            <Fold
              key={app.app}
              id={`app-${app.app}`}
              open={found || keys.includes(app.app)}
              onToggle={(open) => toggle(app.app, open)}
              summary={<AppSummary app={app} own={app.app === ownApp} />}
            >
              <PodTable app={app} search={search} own={app.app === ownApp} />
            </Fold>
          )
        })}
      </div>
    </Section>
  )
}

function describe(apps: readonly App[], searching: boolean): string {
  if (apps.length === 0) return searching ? 'No pod matches.' : 'No pod has reported itself yet.'
  const hidden = apps.length - MAX_APPS
  return hidden > 0 ? `The first ${MAX_APPS} apps; ${counted(hidden, 'more app')} can be searched for.` : ''
}

function AppSummary({ app: { app, pods, held, matching }, own }: { app: App; own: boolean }) {
  const all = counted(pods, 'pod')
  return (
    <>
      <b>{app}</b>{' '}
      <span class="quiet">
        {matching === pods ? all : `${grouped(matching)} of ${all}`}
        {own && ', the proxies themselves'}
      </span>{' '}
      {held > 0 && <Mark level="warn">{grouped(held)} held</Mark>}
    </>
  )
}

function PodTable({ app: { app, matching }, search, own }: { app: App; search: string; own: boolean }) {
  const { pods, servers } = usePods(app, search, own)
  const { tier } = useConnection()
  const columns: Column<Pod>[] = [
    { title: 'Address', cell: ({ ip }) => ip },
    { title: 'Id', cell: ({ id }) => id },
    { title: 'Role', cell: ({ role }) => role },
    { title: 'Last seen', cell: ({ lastSeen }) => <Age at={lastSeen} /> },
    { title: 'Pod', cell: ({ held }) => <Mark level={held ? 'warn' : 'ok'}>{held ? 'held' : 'live'}</Mark> },
    ...(own ? [] : [{ title: 'HAProxy', cell: ({ ip }: Pod) => <Servers servers={servers.get(ip) ?? []} /> }]),
    { title: 'Payload', kind: 'wide', cell: ({ payload }) => payloadText(payload) },
    {
      title: 'Action',
      cell: ({ key, id }) => (
        <Action
          label="Forget"
          question={`Forget the pod ${id}? It comes back with its next keepalive.`}
          act={() => tier.change('DELETE', `api/v1/pods/${encodeURIComponent(key)}`)}
        />
      )
    }
  ]
  return (
    <Table
      caption={`Pods of ${app}`}
      noun="pod"
      columns={columns}
      rows={pods}
      keyOf={({ key }) => key}
      total={matching}
    />
  )
}

/** The pods of an app, and the servers at their addresses. */
function usePods(app: string, search: string, own: boolean) {
  const query = new URLSearchParams({ app, ...(search !== '' && { q: search }), limit: '200' })
  const { body } = useResource<{ pods: Pod[] }>(`api/v1/pods?${query.toString()}`, {
    everyMs: 15_000,
    events: POD_EVENTS
  })
  const pods = body?.pods ?? []
  // The servers of pods are found by address: an app may be behind several backends, or behind one of another name.
  const ips = pods.slice(0, MAX_ROWS).map(({ ip }) => ip)
  const haproxy = useResource<{ proxies: Proxy[] }>(
    own || ips.length === 0 ? undefined : `api/v1/haproxy?ip=${encodeURIComponent(ips.join())}`,
    { everyMs: 5000, events: ['reconfigured'] }
  )
  return { pods, servers: byAddress(haproxy.body?.proxies ?? []) }
}

type PlacedServer = Server & { backend: string }

function byAddress(proxies: readonly Proxy[]): Map<string, PlacedServer[]> {
  const servers = new Map<string, PlacedServer[]>()
  for (const { name: backend, servers: ofProxy } of proxies) {
    for (const server of ofProxy) {
      const ip = hostOf(server.address)
      servers.set(ip, [...(servers.get(ip) ?? []), { ...server, backend }])
    }
  }
  return servers
}

/** Of `10.0.0.1:80` or `[fd00::1]:80`. */
const hostOf = (address: string): string => address.replace(/:\d*$/, '').replace(/^\[|\]$/g, '')

function Servers({ servers }: { servers: readonly PlacedServer[] }) {
  if (servers.length === 0) return <span class="quiet">no server</span>
  return (
    <>
      {servers.map(({ backend, name, status }) => (
        <div key={`${backend}/${name}`}>
          <a href={`#backend-${backend}`}>
            {backend}/{name}
          </a>{' '}
          <Mark level={levelOf(status)}>{status}</Mark>
        </div>
      ))}
    </>
  )
}

function payloadText(payload: unknown): string {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  return shortened(text === 'null' ? '' : text, PAYLOAD_CHARACTERS)
}
