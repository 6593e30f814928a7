import { defineCommand } from '../../command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from '../../control-tier.ts'
import { shownSince, whyOf, WHY, type ServerState } from '../../output/server-state.ts'
import { table, type Column } from '../../output/table.ts'
import { showWatched } from '../../watched.ts'

const FIGURES = ['requests', 'sessions', 'queue', 'errors4xx', 'errors5xx', 'latency', 'usable'] as const

type Series = { name: string; side: string; mode: string } & Record<(typeof FIGURES)[number], (number | null)[]>

interface Server extends ServerState {
  name: string
  address: string
  sessions: number
}

const name = (heading: string): Column => ({ name: heading, cut: 'middle' })
const TRAFFIC = ['SIDE', name('NAME'), 'REQ/S', 'SESSIONS', 'QUEUE', '4XX/S', '5XX/S', 'AVG MS', 'USABLE']
const SERVERS = [name('BACKEND'), name('SERVER'), 'ADDRESS', 'STATUS', 'SINCE', 'SESSIONS']

/** What fits on a screen; the busiest and the faulty come first. */
const MAX_SERVERS = 20

export const top = defineCommand({
  summary: 'Watch traffic, backends and servers, each second until Ctrl-C',
  usage: '[--once] [--url <url>] [--json]',
  options: { ...controlTierOptions, once: { type: 'boolean', default: false } },
  optionDocs: { ...controlTierOptionDocs, once: 'Look once; so it is at a pipe, too' },
  async run({ values: { url, json, once } }, context) {
    const tier = new ControlTier(url, context)
    const watch = !once && context.columns() !== undefined
    await showWatched({ watch, json }, context, async () => {
      const [{ proxies: traffic }, { proxies }] = await Promise.all([
        tier.get<{ proxies: Series[] }>('/api/v1/traffic'),
        tier.get<{ proxies: { name: string; servers: Server[] }[] }>('/api/v1/haproxy')
      ])
      if (json) return [JSON.stringify({ traffic: traffic.map(latest), proxies })]
      const servers = proxies.flatMap(({ name, servers: list }) => list.map((server) => ({ ...server, backend: name })))
      return [trafficTable(traffic, context.columns()), '', serverTable(servers, context.columns())]
    })
  }
})

/** The figures as they were seen last. */
function latest({ name, side, mode, ...series }: Series) {
  const figures = FIGURES.map((figure) => [figure, series[figure].at(-1) ?? null] as const)
  return { name, side, mode, ...(Object.fromEntries(figures) as Record<(typeof FIGURES)[number], number | null>) }
}

function trafficTable(traffic: readonly Series[], columns: number | undefined): string {
  const rows = traffic.map((series) => {
    const { side, name, ...figures } = latest(series)
    return [side, name, ...FIGURES.map((figure) => shown(figures[figure]))]
  })
  return table(TRAFFIC, rows, columns)
}

/** Whole from ten up, and unknown as a dash. */
function shown(value: number | null): string {
  if (value === null) return '-'
  return Number.isInteger(value) || value >= 10 ? value.toFixed(0) : value.toFixed(1)
}

function serverTable(servers: readonly (Server & { backend: string })[], columns: number | undefined): string {
  const isWell = ({ status }: Server): boolean => /^(?:UP|no check)/.test(status)
  const present = servers.filter(({ left }) => left !== true)
  const order = present.toSorted(
    (one, other) => Number(isWell(one)) - Number(isWell(other)) || other.sessions - one.sessions
  )
  const rows = order
    .slice(0, MAX_SERVERS)
    .map((server) => [
      ...[server.backend, server.name, server.address, server.status],
      ...[shownSince(server), String(server.sessions), whyOf(server)]
    ])
  const more = present.length - rows.length
  const isExplained = rows.some((row) => row.at(-1) !== '')
  const text = table(isExplained ? [...SERVERS, WHY] : SERVERS, rows, columns)
  return more > 0 ? `${text}\nand ${more} more: "kontrol servers" lists all` : text
}
