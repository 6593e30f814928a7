import type { Level, Lifecycle, Master, Reconfiguration, Traffic } from './answers.ts'
import { countServers, type Latest } from './findings.ts'
import { Mark } from './parts.tsx'
import { counted, figure, grouped } from '../../model/words/figures.ts'

interface Fact {
  section: string
  title: string
  text: string
  level: Level
}

interface GlanceProps extends Latest {
  traffic: Traffic | undefined
  reconfigurations: readonly Reconfiguration[] | undefined
  lifecycle: Lifecycle | undefined
  masters: readonly Master[] | undefined
}

/** The figures one looks for first, each a link to its section. */
export function Glance(latest: GlanceProps) {
  const facts = [traffic, servers, pods, change, lifecycle, proxies, dns].flatMap((fact) => fact(latest))
  return (
    <nav aria-label="At a glance">
      <ul id="glance">
        {facts.map(({ section, title, text, level }) => (
          <li key={title}>
            <a href={`#${section}`}>
              <span class="quiet">{title}</span> <Mark level={level}>{text}</Mark>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

function traffic({ traffic: body }: GlanceProps): Fact[] {
  if (body === undefined || body.at.length === 0) return []
  const fronts = body.proxies.filter(({ side }) => side === 'frontend')
  const total = (name: 'requests' | 'errors5xx'): number =>
    fronts.reduce((sum, series) => sum + (series[name].at(-1) ?? 0), 0)
  const errors = total('errors5xx')
  const text = `${figure(total('requests'))}/s${errors > 0 ? `, ${figure(errors)}/s of 5xx` : ''}`
  return [{ section: 'haproxy', title: 'Requests', text, level: errors > 0 ? 'warn' : 'ok' }]
}

function servers({ haproxy }: GlanceProps): Fact[] {
  if (haproxy === undefined) return []
  const { all, down } = countServers(haproxy)
  const text = down > 0 ? `${grouped(down)} of ${grouped(all)} down` : `${grouped(all)}, none down`
  return [{ section: 'backends', title: 'Servers', text, level: down > 0 ? 'bad' : 'ok' }]
}

function pods({ apps }: GlanceProps): Fact[] {
  if (apps === undefined) return []
  const [all, held] = [apps.reduce((sum, app) => sum + app.pods, 0), apps.reduce((sum, app) => sum + app.held, 0)]
  const text = grouped(all) + (held > 0 ? `, ${grouped(held)} held` : ' live')
  return [{ section: 'pods', title: 'Pods', text, level: held > 0 ? 'warn' : 'ok' }]
}

function change({ reconfigurations }: GlanceProps): Fact[] {
  const last = reconfigurations?.at(-1)
  if (last === undefined) return []
  const level = last.outcome === 'failed' ? 'bad' : 'ok'
  return [{ section: 'reconfigurations', title: 'Last change', text: last.outcome, level }]
}

function lifecycle({ lifecycle: body }: GlanceProps): Fact[] {
  if (body === undefined) return []
  const text = body.queue.length > 0 ? `${body.state}, ${counted(body.queue.length, 'request')} waiting` : body.state
  return [{ section: 'lifecycle', title: 'Life cycle', text, level: 'idle' }]
}

function proxies({ masters }: GlanceProps): Fact[] {
  // Alone, what is wrong is told above.
  if (masters === undefined || masters.length < 2) return []
  const behind = masters.filter(({ problems }) => problems.length > 0).length
  const text =
    behind > 0 ? `${grouped(behind)} of ${grouped(masters.length)} behind` : `${grouped(masters.length)} in line`
  return [{ section: 'fleet', title: 'Proxies', text, level: behind > 0 ? 'bad' : 'ok' }]
}

function dns({ dns: body }: GlanceProps): Fact[] {
  if (body === undefined) return []
  if (!body.enabled) return [{ section: 'dns', title: 'DNS', text: 'not used', level: 'idle' }]
  const failed = body.records.filter(({ lastError }) => lastError !== undefined).length
  const text = failed > 0 ? counted(failed, 'error') : counted(body.records.length, 'record')
  return [{ section: 'dns', title: 'DNS', text, level: failed > 0 ? 'bad' : 'ok' }]
}
