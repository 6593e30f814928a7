import type { Figures, Haproxy, Proxy, Reconfiguration, Traffic as TrafficAnswer, TrafficSeries } from '../answers.ts'
import { levelOf } from '../answers.ts'
import { Chart, Sparkline } from './chart.tsx'
import { useOpen } from '../live/hooks.ts'
import { Fold, Mark, Section } from '../parts.tsx'
import { Servers } from './servers.tsx'
import { counted, duration, figure, grouped, listed } from '../../../model/words/figures.ts'

const MAX_PROXIES = 200

interface TrafficProps {
  traffic: TrafficAnswer | undefined
  haproxy: Haproxy
  reconfigurations: readonly Reconfiguration[]
}

/** What goes through HAProxy: each frontend and backend with its last quarter of an hour, and its servers on demand. */
export function Traffic({ traffic, haproxy, reconfigurations }: TrafficProps) {
  const sides = haproxy.proxies.flatMap((proxy) => [
    ...(proxy.frontend === undefined ? [] : [{ proxy, side: 'frontend' as const, status: proxy.frontend.status }]),
    ...(proxy.backend === undefined ? [] : [{ proxy, side: 'backend' as const, status: proxy.backend.status }])
  ])
  return (
    <Section id="haproxy" title="Traffic">
      <p class="quiet">{describe(haproxy)}</p>
      {traffic !== undefined && <Overview traffic={traffic} reconfigurations={reconfigurations} />}
      {(['frontend', 'backend'] as const).map((wanted) => (
        <div key={wanted} id={`${wanted}s`} class="sides-list">
          <h3>{wanted === 'frontend' ? 'Frontends' : 'Backends'}</h3>
          {sides
            .filter(({ side }) => side === wanted)
            .slice(0, MAX_PROXIES)
            .map(({ proxy, side, status }) => (
              <Side
                key={proxy.name}
                proxy={proxy}
                side={side}
                status={status}
                at={traffic?.at ?? []}
                series={traffic?.proxies.find((series) => series.side === side && series.name === proxy.name)}
                reconfigurations={reconfigurations}
              />
            ))}
        </div>
      ))}
    </Section>
  )
}

function describe({ version, pid, uptimeSeconds, reloads, oldWorkers }: Haproxy): string {
  const old = oldWorkers.map(({ pid: worker, connections }) =>
    connections === undefined ? `${worker}` : `${worker} with ${counted(connections, 'connection')}`
  )
  const draining = old.length === 0 ? '' : ` Still draining: ${counted(old.length, 'old worker')} (${listed(old)}).`
  return `HAProxy ${version}, process ${pid}, up for ${duration(uptimeSeconds)}, ${counted(reloads, 'reload')}.${draining}`
}

interface OverviewProps {
  traffic: TrafficAnswer
  reconfigurations: readonly Reconfiguration[]
}

/** All frontends together, with the reconfigurations on the same axis. */
function Overview({ traffic, reconfigurations }: OverviewProps) {
  const fronts = traffic.proxies.filter(({ side }) => side === 'frontend')
  const total = (name: Figures): (number | null)[] =>
    traffic.at.map((_, index) => fronts.reduce<number | null>((sum, series) => add(sum, series[name][index]), null))
  const [requests, errors] = [total('requests'), total('errors5xx')]
  return (
    <figure>
      <figcaption>
        All frontends: <b id="rate">{figure(requests.at(-1))}</b> requests a second, {figure(errors.at(-1))} of 5xx. The
        last quarter of an hour; a line marks each reconfiguration, a broken one a failure.
      </figcaption>
      <Chart
        label={`Requests a second of all frontends, ${figure(requests.at(-1))} now`}
        at={traffic.at}
        lines={[
          { label: 'requests/s', values: requests, colour: '--link' },
          { label: '5xx/s', values: errors, colour: '--bad' }
        ]}
        reconfigurations={reconfigurations}
      />
    </figure>
  )
}

const add = (sum: number | null, value: number | null | undefined): number | null =>
  value === null || value === undefined ? sum : (sum ?? 0) + value

interface SideProps {
  proxy: Proxy
  side: 'frontend' | 'backend'
  status: string
  at: readonly string[]
  series: TrafficSeries | undefined
  reconfigurations: readonly Reconfiguration[]
}

/** One frontend or backend: a line of figures, and a chart and its servers when it is opened. */
function Side({ proxy, side, status, at, series, reconfigurations }: SideProps) {
  const { keys, toggle } = useOpen('proxy')
  const key = `${side}-${proxy.name}`
  const { all, down } = proxy.serverCount
  const servers = side === 'backend' && all > 0
  const last = (name: Figures): string => figure(series?.[name].at(-1))
  return (
    <Fold
      id={key}
      open={keys.includes(key)}
      onToggle={(open) => toggle(key, open)}
      summary={
        <span class="side">
          <b>{proxy.name}</b>
          <Mark level={levelOf(status)}>{status}</Mark>
          <span class="quiet">
            {servers && counted(all, 'server')}
            {servers && down > 0 && `, ${grouped(down)} down`}
          </span>
          <Sparkline values={series?.requests ?? []} />
          <span class="figures quiet">
            {last('requests')}/s, {last('sessions')} at work, 4xx {last('errors4xx')}/s, 5xx {last('errors5xx')}/s
            {side === 'backend' && `, ${last('latency')} ms (max ${last('latencyMax')}), ${last('queue')} queued`}
          </span>
        </span>
      }
    >
      {series !== undefined && <SideCharts at={at} series={series} reconfigurations={reconfigurations} />}
      {servers && <Servers proxy={proxy.name} />}
    </Fold>
  )
}

function SideCharts({
  at,
  series,
  reconfigurations
}: {
  at: readonly string[]
  series: TrafficSeries
  reconfigurations: readonly Reconfiguration[]
}) {
  return (
    <div class="charts">
      <Chart
        label={`Requests a second of ${series.name}, ${figure(series.requests.at(-1))} now`}
        at={at}
        lines={[
          { label: series.mode === 'tcp' ? 'sessions/s' : 'requests/s', values: series.requests, colour: '--link' },
          { label: '4xx/s', values: series.errors4xx, colour: '--warn' },
          { label: '5xx/s', values: series.errors5xx, colour: '--bad' }
        ]}
        reconfigurations={reconfigurations}
      />
      {series.side === 'backend' && (
        <Chart
          label={`Latency of ${series.name}, ${figure(series.latency.at(-1))} ms now`}
          at={at}
          lines={[
            { label: 'ms', values: series.latency, colour: '--link' },
            { label: 'queued', values: series.queue, colour: '--warn' }
          ]}
          reconfigurations={reconfigurations}
        />
      )}
    </div>
  )
}
