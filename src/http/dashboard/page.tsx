import type {
  App,
  Dns as DnsAnswer,
  Haproxy,
  Lifecycle as LifecycleAnswer,
  Master,
  Reconfiguration,
  Traffic as TrafficAnswer
} from './answers.ts'
import { Configuration } from './sections/configuration.tsx'
import { Dns } from './sections/dns.tsx'
import { Events } from './sections/events.tsx'
import { Fleet } from './sections/fleet.tsx'
import { Glance } from './glance.tsx'
import { Headline } from './headline.tsx'
import { useAddress, useConnectionState, useResource, type Resource } from './live/hooks.ts'
import { Lifecycle } from './sections/lifecycle.tsx'
import { Section } from './parts.tsx'
import { POD_EVENTS, Pods } from './sections/pods.tsx'
import { Reconfigurations } from './sections/reconfigurations.tsx'
import { addTraffic } from './traffic/traffic-series.ts'
import { Traffic } from './traffic/traffic.tsx'

/** The whole page: what each route tells, and the parts that show it. A part whose route is not there is left out. */
export function Page({ app, id }: { app: string; id: string }) {
  const { connected } = useConnectionState()
  const { latest, haproxy, traffic, reconfigurations, lifecycle, masters } = useAnswers()
  return (
    <div data-connected={connected ? 'yes' : 'no'}>
      <header>
        <h1>{id}</h1>
        <p class="quiet">
          Kontrol control tier of the app <b>{app}</b>
          {haproxy.body !== undefined && `, HAProxy ${haproxy.body.version}`}
        </p>
      </header>
      <main>
        <Headline latest={latest} />
        <Glance {...latest} {...{ traffic, reconfigurations, lifecycle, masters }} />
        <div id="sections">
          <TrafficOrWhyNot haproxy={haproxy} traffic={traffic} reconfigurations={reconfigurations ?? []} />
          {latest.apps !== undefined && <Pods apps={latest.apps} ownApp={app} />}
          {reconfigurations !== undefined && <Reconfigurations entries={reconfigurations} />}
          {reconfigurations !== undefined && <Configuration entries={reconfigurations} />}
          {lifecycle !== undefined && <Lifecycle lifecycle={lifecycle} />}
          {latest.apps !== undefined && <Fleet app={app} masters={masters} />}
          {latest.dns !== undefined && <Dns dns={latest.dns} />}
          <Events />
        </div>
      </main>
      <Footer />
    </div>
  )
}

function useAnswers() {
  const { ready } = useConnectionState()
  const [address] = useAddress()
  const search = address.get('q') ?? ''
  const { body: apps } = useResource<{ apps: App[] }>(
    `api/v1/apps${search === '' ? '' : `?q=${encodeURIComponent(search)}`}`,
    { everyMs: 10_000, events: POD_EVENTS }
  )
  const haproxy = useResource<Haproxy>('api/v1/haproxy?proxy=', {
    everyMs: 5000,
    events: ['reconfigured', 'alarm', 'backend']
  })
  const { body: traffic } = useResource<TrafficAnswer>(trafficPath, { everyMs: 5000, merge: addTraffic })
  const { body: changes } = useResource<{ reconfigurations: Reconfiguration[] }>('api/v1/reconfigurations', {
    everyMs: 15_000,
    events: ['reconfigured']
  })
  const { body: lifecycle } = useResource<LifecycleAnswer>('api/v1/lifecycle', { everyMs: 15_000, events: ['state'] })
  const { body: dns } = useResource<DnsAnswer>('api/v1/dns', { everyMs: 15_000, events: ['dns', 'leader'] })
  const { body: fleet } = useResource<{ masters: Master[] }>('api/v1/masters?limit=200', {
    everyMs: 5000,
    events: ['leader']
  })
  // While HAProxy is away, what it said before it went is no finding.
  const living = haproxy.problem === undefined ? haproxy.body : undefined
  return {
    latest: { ready, apps: apps?.apps, haproxy: living, dns },
    ...{ haproxy, traffic, lifecycle, reconfigurations: changes?.reconfigurations, masters: fleet?.masters }
  }
}

interface TrafficOrWhyNotProps {
  haproxy: Resource<Haproxy>
  traffic: TrafficAnswer | undefined
  reconfigurations: readonly Reconfiguration[]
}

function TrafficOrWhyNot({ haproxy: { body, problem }, traffic, reconfigurations }: TrafficOrWhyNotProps) {
  if (body !== undefined) return <Traffic traffic={traffic} haproxy={body} reconfigurations={reconfigurations} />
  if (problem === undefined) return null
  return (
    <Section id="haproxy" title="Traffic">
      <p>{problem.message}</p>
    </Section>
  )
}

function Footer() {
  return (
    <footer class="quiet">
      <p>
        Times are UTC, as in the log. For machines: <a href="openapi.json">openapi.json</a>,{' '}
        <a href="metrics">metrics</a>, <a href="readyz">readyz</a>.
      </p>
    </footer>
  )
}

/** At first the last quarter of an hour, then what came since. */
function trafficPath(former: TrafficAnswer | undefined): string {
  const last = former?.at.at(-1)
  return last === undefined ? 'api/v1/traffic' : `api/v1/traffic?after=${encodeURIComponent(last)}`
}
