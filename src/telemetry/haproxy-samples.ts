import type { Sample } from './sample.ts'

const TYPES = ['frontend', 'backend', 'server', 'listener']

/** As telegraf renames them, so that both write the same series. */
const RENAMED: Record<string, string> = {
  act: 'active_servers',
  bck: 'backup_servers',
  cli_abrt: 'cli_abort',
  srv_abrt: 'srv_abort',
  hrsp_1xx: 'http_response.1xx',
  hrsp_2xx: 'http_response.2xx',
  hrsp_3xx: 'http_response.3xx',
  hrsp_4xx: 'http_response.4xx',
  hrsp_5xx: 'http_response.5xx',
  hrsp_other: 'http_response.other'
}

/** Names of things, not figures about them. */
const NO_FIGURES = new Set(['pxname', 'svname', 'pid', 'iid', 'sid', 'type', 'addr', 'cookie', 'tracked', '-', ''])

/**
 * The figures of `show stat`, as HAProxy 2.6.12 prints them:
 *
 *     # pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,…,status,weight,act,…,type,…,last_chk,…
 *     front,FRONTEND,,,0,0,9985,0,0,0,…,OPEN,,,…,0,…
 *     app,web-0,0,0,0,0,,0,0,0,…,DOWN,1,1,…,2,…,Connection refused,…
 *
 * Fields that hold commas stand in quotes. Beyond telegraf's: `haproxy_up`, 1 or 0, from the status.
 *
 * @param at milliseconds since the epoch
 */
export function statSamples(csv: string, at: number): Sample[] {
  const [header = '', ...lines] = csv.split('\n').filter((line) => line.trim() !== '')
  const columns = splitRow(header.replace(/^# /, ''))
  return lines.flatMap((line) => rowSamples(columns, splitRow(line), at))
}

function rowSamples(columns: string[], fields: string[], at: number): Sample[] {
  const row = new Map(columns.map((column, index) => [column, fields[index] ?? '']))
  const tags = {
    proxy: row.get('pxname') ?? '',
    sv: row.get('svname') ?? '',
    type: TYPES[Number(row.get('type'))] ?? ''
  }
  const figures = [...row]
    .filter(([column, field]) => !NO_FIGURES.has(column) && /^-?\d+(\.\d+)?$/.test(field))
    .map(([column, field]): Sample => ({
      metric: `haproxy_${RENAMED[column] ?? column}`,
      value: Number(field),
      at,
      tags
    }))
  return [...figures, { metric: 'haproxy_up', value: isUp(row.get('status') ?? '') ? 1 : 0, at, tags }]
}

/** `UP 1/3` is going down, and still used; so is a server without checks. */
function isUp(status: string): boolean {
  return status.startsWith('UP') || status === 'OPEN' || status === 'no check'
}

function splitRow(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? ''
  )
}

/**
 * The figures of the process from `show info`, as HAProxy 2.6.12 prints them:
 *
 *     Name: HAProxy
 *     Version: 2.6.12-1+deb12u4
 *     Uptime_sec: 3
 *     CurrConns: 0
 *     SslFrontendSessionReuse_pct: 0
 *
 * @param at milliseconds since the epoch
 */
export function infoSamples(info: string, at: number): Sample[] {
  return info.split('\n').flatMap((line) => {
    const match = /^([\w-]+): (\d+)$/.exec(line.trim())
    if (match === null) return []
    const [, name = '', value] = match
    return [{ metric: `haproxy_process_${snakeCase(name)}`, value: Number(value), at, tags: {} }]
  })
}

function snakeCase(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase()
}
