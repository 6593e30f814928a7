import { KontrolError, type Problem } from '../../../errors.ts'
import { counted, duration, listed } from '../../../model/words/figures.ts'
import { EXIT_FAILURE, EXIT_OK, defineCommand } from '../../command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from '../../control-tier.ts'
import { isDown, shownSince, whyOf, type ServerState } from '../../output/server-state.ts'
import { timeWithAge } from '../../output/shown-time.ts'
import { showWatched, watchOption, watchOptionDoc } from '../../watched.ts'
import { fields, wrapped } from '../../output/wrapped.ts'

interface Readiness {
  ready: boolean
  problems: Problem[]
  findings: Problem[]
}

interface Haproxy {
  version: string
  uptimeSeconds: number
  reloads: number
  oldWorkers: unknown[]
  proxies: { name: string; servers: ({ name: string } & ServerState)[] }[]
}

interface Round {
  startedAt: string
  plan: string | null
  outcome: string
  cause: string
}

interface App {
  pods: number
  held: number
}

interface Dns {
  enabled: boolean
  records: { name: string; lastError?: Problem }[]
}

interface Seen {
  haproxy: Haproxy | undefined
  apps: App[] | undefined
  state: string | undefined
  last: Round | undefined
  dns: Dns | undefined
  version: string | undefined
}

const UNAVAILABLE = 503

export const status = defineCommand({
  summary: 'Tell on one screen whether all is well',
  usage: '[--url <url>] [--watch] [--json]',
  options: { ...controlTierOptions, ...watchOption },
  optionDocs: { ...controlTierOptionDocs, ...watchOptionDoc },
  async run({ values }, context) {
    const tier = new ControlTier(values.url, context)
    let isReady = false
    await showWatched(values, context, async () => {
      const readiness = await tier.get<Readiness>('/readyz', UNAVAILABLE)
      isReady = readiness.ready
      const seen = await seenOf(tier)
      if (values.json) return [JSON.stringify({ ...readiness, ...seen })]
      const columns = context.columns()
      return [told(readiness, columns), fields(rowsOf(seen, tier.base), columns)]
    })
    return isReady || values.watch ? EXIT_OK : EXIT_FAILURE
  }
})

async function seenOf(tier: ControlTier): Promise<Seen> {
  const [haproxy, apps, lifecycle, history, dns, version] = await Promise.all([
    part<Haproxy>(tier, '/api/v1/haproxy'),
    part<{ apps: App[] }>(tier, '/api/v1/apps'),
    part<{ state: string }>(tier, '/api/v1/lifecycle'),
    part<{ reconfigurations: Round[] }>(tier, '/api/v1/reconfigurations'),
    part<Dns>(tier, '/api/v1/dns'),
    part<{ version: string }>(tier, '/api/v1/version')
  ])
  return {
    ...{ haproxy, apps: apps?.apps, state: lifecycle?.state, last: history?.reconfigurations.at(-1) },
    ...{ dns, version: version?.version }
  }
}

/** Undefined where this process has no such part, or cannot tell now: the readiness says why. */
async function part<T>(tier: ControlTier, path: string): Promise<T | undefined> {
  return await tier.get<T>(path).catch((error: unknown) => {
    if (error instanceof KontrolError) return undefined
    throw error
  })
}

function told({ ready, problems, findings }: Readiness, columns: number | undefined): string {
  const lines = [...problems, ...findings].flatMap(({ code, message, hint }) => [
    wrapped(`  ${code}: ${message}`, columns, 2),
    ...(hint ? [wrapped(`    Hint: ${hint}`, columns, 2)] : [])
  ])
  return [ready ? 'ready' : 'not ready', ...lines].join('\n')
}

type Row = readonly [name: string, value: string]

/** What there is of it, a line each. */
function rowsOf({ haproxy, apps, state, last, dns, version }: Seen, base: string): Row[] {
  return [
    ...row('control tier', version, (known) => `${known} at ${base}`),
    ...(haproxy === undefined ? [] : haproxyRows(haproxy)),
    ...row('pods', apps, podsLine),
    ...row('automaton', state, (known) => known),
    ...row('dns', dns?.enabled === true ? dns : undefined, dnsLine),
    ...row('last change', last, ({ startedAt, outcome, cause }) => `${timeWithAge(startedAt)}, ${outcome}: ${cause}`)
  ]
}

const row = <T>(name: string, known: T | undefined, tell: (known: T) => string): Row[] =>
  known === undefined ? [] : [[name, tell(known)]]

function haproxyRows({ version, uptimeSeconds, reloads, oldWorkers, proxies }: Haproxy): Row[] {
  const servers = proxies.flatMap(({ servers: all }) => all).filter(({ left }) => left !== true)
  const down = servers.filter(isDown).map((server) => {
    const why = whyOf(server)
    return `${server.name} for ${shownSince(server)}${why === '' ? '' : ` (${why})`}`
  })
  const names = down.length === 0 ? '' : `: ${listed(down)}`
  return [
    [
      'haproxy',
      `${version}, up ${duration(uptimeSeconds)}, ${counted(reloads, 'reload')}, ${counted(oldWorkers.length, 'old worker')}`
    ],
    ['servers', `${servers.length}, ${down.length} down${names}`]
  ]
}

function podsLine(apps: readonly App[]): string {
  const sum = (of: (app: App) => number): number => apps.reduce((total, app) => total + of(app), 0)
  const held = sum((app) => app.held)
  return `${sum((app) => app.pods)}, of ${counted(apps.length, 'app')}${held > 0 ? `, ${held} held` : ''}`
}

function dnsLine({ records }: Dns): string {
  const failed = records.filter(({ lastError }) => lastError !== undefined).map(({ name }) => name)
  const errors =
    failed.length === 0 ? 'no error' : `${counted(failed.length, 'error')}, see "kontrol dns": ${listed(failed)}`
  return `${counted(records.length, 'record')}, ${errors}`
}
