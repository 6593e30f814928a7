import { defineView } from '../../watched.ts'
import { wrapped } from '../../output/wrapped.ts'

interface HostsBody {
  digest: string
  hosts: Record<string, string[]>
}

export const hosts = defineView<HostsBody>({
  summary: 'Show the addresses by app, as templates see them',
  path: '/api/v1/hosts',
  lines: ({ digest, hosts: byApp }, columns) => [
    `digest ${digest}`,
    ...Object.entries(byApp).map(([app, ips]) => wrapped(`${app}: ${ips.join(' ')}`, columns, 2))
  ]
})
