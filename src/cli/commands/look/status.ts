import { EXIT_FAILURE, defineCommand } from '../../command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from '../../control-tier.ts'
import { visibleJson, visibleText } from '../../visible.ts'
import type { Problem } from '../../../errors.ts'

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
  proxies: { name: string; servers: { status: string; left?: true }[] }[]
}

interface Round {
  startedAt: string
  plan: string | null
  outcome: string
  cause: string
}

interface Seen {
  haproxy: Haproxy | undefined
  apps: { pods: number }[] | undefined
  state: string | undefined
  last: Round | undefined
}

const UNAVAILABLE = 503

export const status = defineCommand({
  summary: 'Tell on one screen whether all is well: ready, HAProxy, pods, last change',
  usage: '[--url <url>] [--json]',
  options: controlTierOptions,
  optionDocs: controlTierOptionDocs,
  async run({ values }, { env, stdout }) {
    const tier = new ControlTier(values.url, env)
    const readiness = await tier.get<Readiness>('/readyz', UNAVAILABLE)
    const [haproxy, apps, lifecycle, history] = await Promise.all([
      part<Haproxy>(tier, '/api/v1/haproxy'),
      part<{ apps: { pods: number }[] }>(tier, '/api/v1/apps'),
      part<{ state: string }>(tier, '/api/v1/lifecycle'),
      part<{ reconfigurations: Round[] }>(tier, '/api/v1/reconfigurations')
    ])
    const seen: Seen = { haproxy, apps: apps?.apps, state: lifecycle?.state, last: history?.reconfigurations.at(-1) }
    if (values.json) stdout(visibleJson(JSON.stringify({ ...readiness, ...seen })))
    else stdout(visibleText([...linesOf(readiness), ...rowsOf(seen)].join('\n')))
    return readiness.ready ? 0 : EXIT_FAILURE
  }
})

/** Undefined where this process has no such part, or cannot tell now: the readiness says why. */
async function part<T>(tier: ControlTier, path: string): Promise<T | undefined> {
  return await tier.get<T>(path).catch(() => undefined)
}

function linesOf({ ready, problems, findings }: Readiness): string[] {
  const told = (problem: Problem): string[] => [
    `  ${problem.code}: ${problem.message}`,
    ...(problem.hint ? [`  Hint: ${problem.hint}`] : [])
  ]
  return [ready ? 'ready' : 'not ready', ...[...problems, ...findings].flatMap(told)]
}

/** What there is of it, a line each. */
function rowsOf({ haproxy, apps, state, last }: Seen): string[] {
  return [
    ...(haproxy === undefined ? [] : haproxyRows(haproxy)),
    ...(apps === undefined ? [] : [row('pods', `${sum(apps)}, of ${apps.length} app${apps.length === 1 ? '' : 's'}`)]),
    ...(state === undefined ? [] : [row('automaton', state)]),
    ...(last === undefined ? [] : [row('last change', `${last.startedAt}, ${last.outcome}: ${last.cause}`)])
  ]
}

function haproxyRows({ version, uptimeSeconds, reloads, oldWorkers, proxies }: Haproxy): string[] {
  const servers = proxies.flatMap((proxy) => proxy.servers).filter(({ left }) => left !== true)
  const down = servers.filter((server) => server.status.startsWith('DOWN')).length
  return [
    row('haproxy', `${version}, up ${uptimeSeconds} s, ${reloads} reloads, ${oldWorkers.length} old workers`),
    row('servers', `${servers.length}, ${down} down`)
  ]
}

const row = (name: string, value: string): string => `${name.padEnd(12)}${value}`

const sum = (apps: readonly { pods: number }[]): number => apps.reduce((total, { pods }) => total + pods, 0)
