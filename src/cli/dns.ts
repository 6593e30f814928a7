import { defineCommand } from './command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from './control-tier.ts'
import { table } from './table.ts'
import { showWatched, watchOption, watchOptionDoc } from './watched.ts'

interface DnsBody {
  enabled: boolean
  leader: boolean
  note?: string
  records: {
    name: string
    type: string
    ttl: number
    wanted: string[]
    found?: string[]
    changeStatus?: string
    lastError?: { code: string; message: string; hint?: string }
    note?: string
  }[]
}

export const dns = defineCommand({
  summary: 'Show the DNS records that are wanted and found, and their last error',
  usage: '[--url <url>] [--watch] [--json]',
  options: { ...controlTierOptions, ...watchOption },
  optionDocs: { ...controlTierOptionDocs, ...watchOptionDoc },
  async run({ values }, { env, stdout, signal }) {
    const tier = new ControlTier(values.url, env)
    await showWatched(values.watch, signal, async () => {
      const status = await tier.get<DnsBody>('/api/v1/dns')
      if (values.json) return stdout(JSON.stringify(status))
      if (!status.enabled)
        return stdout('No names are asked for: the pod has no annotation haproxy.unity3d.com/route53.')
      if (!status.leader) stdout('Another master writes the records.')
      if (status.note !== undefined) stdout(status.note)
      const rows = status.records.map(({ name, type, ttl, wanted, found, changeStatus, lastError, note }) => [
        name,
        type,
        String(ttl),
        wanted.join(' '),
        found?.join(' ') ?? '-',
        changeStatus ?? '-',
        lastError === undefined ? (note ?? '') : `${lastError.code}: ${lastError.message}`
      ])
      stdout(table(['NAME', 'TYPE', 'TTL', 'WANTED', 'FOUND', 'CHANGE', 'NOTE'], rows))
    })
  }
})
