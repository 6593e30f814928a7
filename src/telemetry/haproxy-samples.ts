import { csvCells, csvLines } from '../platform/text/csv.ts'
import { eachInTurns } from '../platform/turns.ts'
import { inSlices, type Sample } from './sample.ts'

const TYPES = ['frontend', 'backend', 'server', 'listener']
/** Its place in TYPES, as HAProxy prints it. */
const SERVER = '2'

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

/** What is sent of a single server, beside `haproxy_up`: 51 figures of each would be more than a large fleet can send. */
const OF_SERVERS = new Set([
  ...['scur', 'stot', 'qcur', 'bin', 'bout', 'weight'],
  ...['econ', 'eresp', 'wretr', 'wredis', 'chkfail', 'chkdown'],
  ...['hrsp_1xx', 'hrsp_2xx', 'hrsp_3xx', 'hrsp_4xx', 'hrsp_5xx', 'hrsp_other'],
  ...['qtime', 'ctime', 'rtime', 'ttime']
])

/** With more servers than these, only frontends, backends and listeners have figures: 2,000 make 46,000. */
const MOST_SERVERS = 2_000

export interface StatSamples {
  samples: Sample[]
  /** Servers without figures, as they are too many: all of them or none. */
  serversLeftOut: number
}

/**
 * The figures of `show stat`, as HAProxy 2.6.12 prints them:
 *
 *     # pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,…,status,weight,act,…,type,…,last_chk,…
 *     front,FRONTEND,,,0,0,9985,0,0,0,…,OPEN,,,…,0,…
 *     app,web-0,0,0,0,0,,0,0,0,…,DOWN,1,1,…,2,…,Connection refused,…
 *
 * Fields that hold commas or line feeds stand in quotes. Beyond telegraf's: `haproxy_up`, 1 or 0, from the status.
 * Servers come last, and have the figures of OF_SERVERS only.
 *
 * @param at milliseconds since the epoch
 */
export async function statSamples(csv: string, at: number): Promise<StatSamples> {
  const { columns, lines } = readTable(csv)
  const samples: Sample[] = []
  const ofServers: Sample[] = []
  let servers = 0
  for await (const slice of inSlices(lines)) {
    for (const line of slice) {
      const row = readRow(columns, line)
      if (row.get('type') !== SERVER) samples.push(...rowSamples(row, at))
      else if (++servers <= MOST_SERVERS) ofServers.push(...rowSamples(row, at, OF_SERVERS))
    }
  }
  if (servers > MOST_SERVERS) return { samples, serversLeftOut: servers }
  return { samples: [...samples, ...ofServers], serversLeftOut: 0 }
}

/** The rows of `show stat`, each by the names of its columns: for a few of them, as it takes them all at once. */
export async function statRows(csv: string): Promise<ReadonlyMap<string, string>[]> {
  const { columns, lines } = readTable(csv)
  const rows: ReadonlyMap<string, string>[] = []
  await eachInTurns(lines, (line) => rows.push(readRow(columns, line)))
  return rows
}

function readTable(csv: string): { columns: string[]; lines: string[] } {
  const [header = '', ...lines] = csvLines(csv)
  return { columns: csvCells(header.replace(/^# /, '')), lines }
}

function readRow(columns: string[], line: string): Map<string, string> {
  const fields = csvCells(line)
  return new Map(columns.map((column, index) => [column, fields[index] ?? '']))
}

function rowSamples(row: Map<string, string>, at: number, wanted?: ReadonlySet<string>): Sample[] {
  const tags = {
    proxy: row.get('pxname') ?? '',
    sv: row.get('svname') ?? '',
    type: TYPES[Number(row.get('type'))] ?? ''
  }
  const figures = [...row]
    .filter(([column]) => wanted?.has(column) ?? !NO_FIGURES.has(column))
    .filter(([, field]) => /^-?\d+(\.\d+)?$/.test(field))
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
