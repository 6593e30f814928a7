import { table, type Column } from '../../output/table.ts'
import { defineView } from '../../watched.ts'

interface Server {
  name: string
  address: string
  status: string
  sessions: number
  totalSessions: number
  left?: true
}

const HEADING: readonly Column[] = [
  ...[{ name: 'BACKEND', cut: 'middle' } as const, { name: 'SERVER', cut: 'middle' } as const],
  ...['ADDRESS', 'STATUS', 'SESSIONS', 'TOTAL']
]

export const servers = defineView<{ proxies: { name: string; servers: Server[] }[] }>({
  summary: 'List the servers as HAProxy has them, with their state',
  path: '/api/v1/haproxy',
  lines: ({ proxies }, columns) => {
    const rows = proxies.flatMap(({ name, servers: list }) => list.map((server) => [name, ...rowOf(server)]))
    return [rows.length === 0 ? 'HAProxy has no server.' : table(HEADING, rows, columns)]
  }
})

const rowOf = ({ name, address, status, sessions, totalSessions, left }: Server): string[] => [
  ...[name, address, left === true ? `${status} (left)` : status],
  String(sessions),
  String(totalSessions)
]
