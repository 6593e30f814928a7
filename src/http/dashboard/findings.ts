import type { App, Dns, Haproxy } from './answers.ts'
import type { Problem, Readiness } from './live/control-tier.ts'
import { counted, grouped, listed } from '../../model/words/figures.ts'

/** The last answers, of those routes that this process has. */
export interface Latest {
  ready: Readiness | undefined
  apps: App[] | undefined
  haproxy: Haproxy | undefined
  dns: Dns | undefined
}

export interface Verdict {
  level: 'ok' | 'warn' | 'bad'
  sentence: string
  findings: Problem[]
}

/** One sentence on whether clients are served as they should be, and what is wrong. */
export function judge(latest: Latest): Verdict {
  const { problems = [], findings: told = [] } = latest.ready ?? {}
  const unserved = [...deadBackends(latest.haproxy), ...told.filter(({ code }) => code === BACKEND_DOWN)].slice(0, 1)
  const notices = [
    ...told.filter(({ code }) => code !== BACKEND_DOWN),
    ...heldPods(latest.apps ?? []),
    ...downServers(latest.haproxy),
    ...dnsErrors(latest.dns)
  ]
  const also = problems.length + unserved.length > 0
  const findings = [...problems, ...unserved, ...notices.map((notice) => (also ? alsoNotice(notice) : notice))]
  return { ...verdictOf(problems, unserved, notices, latest), findings }
}

const BACKEND_DOWN = 'KTL_HAPROXY_BACKEND_DOWN'

function verdictOf(
  problems: readonly Problem[],
  [unserved]: readonly Problem[],
  notices: readonly Problem[],
  latest: Latest
): Omit<Verdict, 'findings'> {
  if (unserved !== undefined) return { level: 'bad', sentence: `Clients get errors: ${lowered(unserved.message)}.` }
  if (problems.length > 0) return notReady(problems)
  if (notices.length > 0) return { level: 'warn', sentence: 'Ready, but something is worth a look:' }
  return { level: 'ok', sentence: `All is well. ${calm(latest)}` }
}

const lowered = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

function notReady(problems: readonly Problem[]): Omit<Verdict, 'findings'> {
  if (problems.every(({ code }) => code === 'KTL_STARTING')) return { level: 'warn', sentence: 'Starting.' }
  const count = problems.length === 1 ? 'one thing is' : `${problems.length} things are`
  return { level: 'bad', sentence: `Not ready: ${count} wrong.` }
}

/** How many servers there are, and how many of them HAProxy finds down. */
export function countServers(haproxy: Haproxy | undefined): { all: number; down: number } {
  const counts = haproxy?.proxies.map(({ serverCount }) => serverCount) ?? []
  return {
    all: counts.reduce((sum, { all }) => sum + all, 0),
    down: counts.reduce((sum, { down }) => sum + down, 0)
  }
}

function calm({ haproxy, apps }: Latest): string {
  if (haproxy !== undefined) return 'HAProxy runs what is wanted, and clients are served.'
  if (apps !== undefined) return 'The registry takes keepalives.'
  return 'This process reports a pod, and keeps neither a registry nor an HAProxy.'
}

const alsoNotice = (notice: Problem): Problem => ({ ...notice, message: `Also worth a look: ${notice.message}` })

/** A backend that has servers, and none that takes requests. */
const isDead = ({ backend, serverCount: { all } }: Haproxy['proxies'][number]): boolean =>
  all > 0 && backend?.status.startsWith('DOWN') === true

/** Seen in HAProxy's own figures, a moment before the control tier tells it. */
function deadBackends(haproxy: Haproxy | undefined): Problem[] {
  const dead = (haproxy?.proxies ?? []).filter(isDead)
  if (dead.length === 0) return []
  const [backend, has] = dead.length === 1 ? ['The backend', 'has'] : ['The backends', 'have']
  return [
    {
      code: BACKEND_DOWN,
      message: `${backend} ${listed(dead.map(({ name }) => name))} ${has} no server that takes requests`,
      hint: 'Look at the servers below: what their checks say, and whether somebody took them out by hand.'
    }
  ]
}

function heldPods(apps: readonly App[]): Problem[] {
  const held = apps.filter((app) => app.held > 0)
  const count = held.reduce((sum, app) => sum + app.held, 0)
  if (count === 0) return []
  return [
    {
      code: 'pods-held',
      message: `${counted(count, 'pod')} of ${listed(held.map(({ app }) => app))} ${count === 1 ? 'is' : 'are'} held, having fallen silent together.`,
      hint: "HAProxy's own checks decide meanwhile. Look at the network between the pods and this control tier."
    }
  ]
}

function downServers(haproxy: Haproxy | undefined): Problem[] {
  const { all, down } = countServers(haproxy)
  if (down === 0 || haproxy === undefined) return []
  const names = haproxy.proxies.flatMap(({ name, serverCount }) =>
    serverCount.names.map((server) => `${name}/${server}`)
  )
  const shown = down > names.length ? [...names, ...Array.from({ length: down - names.length }, () => '')] : names
  return [
    {
      code: 'servers-down',
      message: `${grouped(down)} of ${counted(all, 'server')} ${down === 1 ? 'is' : 'are'} down for HAProxy: ${listed(shown)}.`,
      hint: 'The checks of HAProxy fail although the pods report themselves. Look at these pods.'
    }
  ]
}

function dnsErrors(dns: Dns | undefined): Problem[] {
  return (dns?.records ?? []).flatMap(({ name, type, lastError }) =>
    lastError === undefined ? [] : [{ ...lastError, message: `DNS record ${name} ${type}: ${lastError.message}` }]
  )
}
