import { table } from '../../table.ts'
import { defineView } from '../../watched.ts'

interface Server {
  name: string
  address: string
  status: string
  sessions: number
  totalSessions: number
  left?: true
}

export const servers = defineView<{ proxies: { name: string; servers: Server[] }[] }>({
  summary: 'List the servers as HAProxy has them, with their state',
  path: '/api/v1/haproxy',
  lines: ({ proxies }, columns) => [
    table(
      ['BACKEND', 'SERVER', 'ADDRESS', 'STATUS', 'SESSIONS', 'TOTAL'],
      proxies.flatMap(({ name, servers: list }) => list.map((server) => [name, ...rowOf(server)])),
      columns
    )
  ]
})

const rowOf = ({ name, address, status, sessions, totalSessions, left }: Server): string[] => [
  ...[name, address, left === true ? `${status} (left)` : status],
  String(sessions),
  String(totalSessions)
]
