import { defineView } from '../../watched.ts'

interface HostsBody {
  digest: string
  hosts: Record<string, string[]>
}

export const hosts = defineView<HostsBody>({
  summary: 'Show the addresses by app, as templates see them',
  path: '/api/v1/hosts',
  lines: ({ digest, hosts: byApp }) => [
    `digest ${digest}`,
    ...Object.entries(byApp).map(([app, ips]) => `${app}: ${ips.join(' ')}`)
  ]
})
