import { shownSince, shownStatus, whyOf, WHY, type ServerState } from '../../output/server-state.ts'
import { table, type Column } from '../../output/table.ts'
import { defineView } from '../../watched.ts'

interface Server extends ServerState {
  name: string
  address: string
  sessions: number
  totalSessions: number
}

const HEADING: readonly Column[] = [
  ...[{ name: 'BACKEND', cut: 'middle' } as const, { name: 'SERVER', cut: 'middle' } as const],
  ...['ADDRESS', 'STATUS', 'SINCE', 'SESSIONS', 'TOTAL']
]

export const servers = defineView<{ proxies: { name: string; servers: Server[] }[] }>({
  summary: 'List the servers as HAProxy has them: state, since when, why',
  path: '/api/v1/haproxy',
  lines: ({ proxies }, columns) => {
    const rows = proxies.flatMap(({ name, servers: list }) => list.map((server) => [name, ...rowOf(server)]))
    if (rows.length === 0) return ['HAProxy has no server.']
    const isExplained = rows.some((row) => row.at(-1) !== '')
    return [table(isExplained ? [...HEADING, WHY] : HEADING, rows, columns)]
  }
})

const rowOf = (server: Server): string[] => [
  ...[server.name, server.address, shownStatus(server), shownSince(server)],
  ...[String(server.sessions), String(server.totalSessions), whyOf(server)]
]
