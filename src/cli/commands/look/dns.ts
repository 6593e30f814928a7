import { table, type Column } from '../../output/table.ts'
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

const HEADING: readonly Column[] = [
  ...[{ name: 'NAME', cut: 'middle' } as const, 'TYPE', 'TTL'],
  ...[{ name: 'WANTED', cut: 'end' } as const, { name: 'FOUND', cut: 'end' } as const, 'CHANGE'],
  { name: 'NOTE', cut: 'end' }
]

export const dns = defineView<DnsBody>({
  summary: 'Show the DNS records wanted and found, and their last error',
  path: '/api/v1/dns',
  lines: ({ enabled, leader, note, records }, columns) => {
    if (!enabled) return ['No names are asked for: the pod has no annotation haproxy.unity3d.com/route53.']
    return [
      ...(leader ? [] : ['Another master writes the records.']),
      ...(note === undefined ? [] : [note]),
      table(HEADING, records.map(rowOf), columns)
    ]
  }
})

function rowOf({ name, type, ttl, wanted, found, changeStatus = '-', lastError, note = '' }: DnsRow): string[] {
  const remark = lastError === undefined ? note : `${lastError.code}: ${lastError.message}`
  return [name, type, String(ttl), wanted.join(' '), found?.join(' ') ?? '-', changeStatus, remark]
}
