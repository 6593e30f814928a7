import type { App, Dns, Haproxy } from './answers.ts'
import type { Problem, Readiness } from './control-tier.ts'
import { counted, grouped, listed } from './words.ts'

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
  const problems = latest.ready?.problems ?? []
  const dead = deadBackends(latest.haproxy)
  const notices = [...heldPods(latest.apps ?? []), ...downServers(latest.haproxy), ...dnsErrors(latest.dns)]
  const also = problems.length + dead.length > 0
  const findings = [...problems, ...dead, ...notices.map((notice) => (also ? alsoNotice(notice) : notice))]
  return { ...verdictOf(problems, dead, notices, latest), findings }
}

function verdictOf(
  problems: readonly Problem[],
  dead: readonly Problem[],
  notices: readonly Problem[],
  latest: Latest
): Omit<Verdict, 'findings'> {
  if (dead.length > 0) {
    const names = (latest.haproxy?.proxies ?? []).filter(isDead).map(({ name }) => name)
    return { level: 'bad', sentence: `Clients get errors: no server of ${listed(names)} takes requests.` }
  }
  if (problems.length > 0) return notReady(problems)
  if (notices.length > 0) return { level: 'warn', sentence: 'Ready, but something is worth a look:' }
  return { level: 'ok', sentence: `All is well. ${calm(latest)}` }
}

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

function deadBackends(haproxy: Haproxy | undefined): Problem[] {
  return (haproxy?.proxies ?? []).filter(isDead).map(({ name, serverCount: { all, down, out } }) => ({
    code: 'backend-down',
    message: `Backend ${name} answers 503: of ${counted(all, 'server')} ${grouped(down)} ${down === 1 ? 'is' : 'are'} down and ${grouped(out)} out of service.`,
    hint: 'Look at its servers below: what their checks say, and whether somebody took them out by hand.'
  }))
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
