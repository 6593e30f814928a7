import { table } from '../../table.ts'
import { defineView } from '../../watched.ts'

interface DnsRow {
  name: string
  type: string
  ttl: number
  wanted: string[]
  found?: string[]
  changeStatus?: string
  lastError?: { code: string; message: string; hint?: string }
  note?: string
}

interface DnsBody {
  enabled: boolean
  leader: boolean
  note?: string
  records: DnsRow[]
}

export const dns = defineView<DnsBody>({
  summary: 'Show the DNS records that are wanted and found, and their last error',
  path: '/api/v1/dns',
  lines: ({ enabled, leader, note, records }, columns) => {
    if (!enabled) return ['No names are asked for: the pod has no annotation haproxy.unity3d.com/route53.']
    return [
      ...(leader ? [] : ['Another master writes the records.']),
      ...(note === undefined ? [] : [note]),
      table(['NAME', 'TYPE', 'TTL', 'WANTED', 'FOUND', 'CHANGE', 'NOTE'], records.map(rowOf), columns)
    ]
  }
})

function rowOf({ name, type, ttl, wanted, found, changeStatus = '-', lastError, note = '' }: DnsRow): string[] {
  const remark = lastError === undefined ? note : `${lastError.code}: ${lastError.message}`
  return [name, type, String(ttl), wanted.join(' '), found?.join(' ') ?? '-', changeStatus, remark]
}
