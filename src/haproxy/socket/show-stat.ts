import { csvCells, csvFirstCells, csvLines } from '../../platform/text/csv.ts'
import { eachInTurns } from '../../platform/turns.ts'
import { CHECK_COLUMNS, checkText } from './check-text.ts'

export interface ServerStat {
  name: string
  /** HAProxy's own words: `UP`, `DOWN 1/2`, `MAINT`, `DRAIN`, `no check` … */
  status: string
  address: string
  sessions: number
  totalSessions: number
  bytesIn: number
  bytesOut: number
  /** Seconds since its state changed last, in a former worker too where the server state file told of it. */
  stateSeconds?: number
  /** What was found when it was looked at last. */
  check?: string
  /** The next check is under way: of the last one no more is known than its code. */
  isBeingChecked?: true
}

/** One frontend, backend, or `listen` section, with the totals HAProxy counts since the worker began. */
export interface ProxyStat {
  name: string
  frontend?: SideStatus
  backend?: BackendStatus
  servers: ServerStat[]
}

interface BackendStatus extends SideStatus {
  /** Servers that take requests, backup servers among them. */
  usableServers: number
}

interface SideStatus {
  status: string
  sessions: number
  totalSessions: number
  bytesIn: number
  bytesOut: number
}

/** All that are read. */
const COLUMNS = [
  ...(['pxname', 'svname', 'scur', 'stot', 'bin', 'bout', 'act', 'bck', 'addr', 'lastchg'] as const),
  ...CHECK_COLUMNS
] as const
type Column = (typeof COLUMNS)[number]

/**
 * Reads `show stat`: CSV whose first line names the columns. What a pod answered to its check stands there in quotes, with
 * all commas and line feeds that it has. 2.6.12, abridged:
 *
 *     # pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,…,status,…,lastchg,…,last_chk,…,addr,…
 *     proxy,FRONTEND,,,0,0,20000,0,0,0,…,OPEN,…,,…,,…,,…
 *     http,web-1,0,0,0,0,,0,0,0,…,UP,…,6,…,,…,127.0.0.2:80,…
 *     http,web-2,0,0,0,0,,0,0,0,…,DOWN,…,7,…,"Sorry, ""we"" are closed",…,127.0.0.3:80,…
 *     http,BACKEND,0,0,0,0,2000,0,0,0,…,UP,…,6,…,,…,,…
 */
export async function parseStat(csv: string): Promise<ProxyStat[]> {
  const [header = '', ...lines] = csvLines(csv)
  const columns = csvCells(header.replace(/^# /, ''))
  const at = Object.fromEntries(columns.map((name, index) => [name, index]))
  // Of a hundred columns, those behind the last that is read are left out.
  const cellsRead = 1 + Math.max(...COLUMNS.map((name) => columns.indexOf(name)))
  const proxies = new Map<string, ProxyStat>()
  await eachInTurns(lines, (line) => {
    const cells = csvFirstCells(line, cellsRead)
    const text = (column: Column): string => cells[at[column] ?? -1] ?? ''
    const name = text('pxname')
    const proxy = proxies.get(name) ?? { name, servers: [] }
    proxies.set(name, proxy)
    const side = {
      status: text('status'),
      sessions: Number(text('scur')),
      totalSessions: Number(text('stot')),
      bytesIn: Number(text('bin')),
      bytesOut: Number(text('bout'))
    }
    const kind = text('svname')
    if (kind === 'FRONTEND') proxy.frontend = side
    else if (kind === 'BACKEND') proxy.backend = { ...side, usableServers: Number(text('act')) + Number(text('bck')) }
    else proxy.servers.push({ name: kind, address: text('addr'), ...side, ...stateOf(text) })
  })
  return [...proxies.values()]
}

/** A time of more digits is none: it would be counted from 1970. */
const SECONDS = /^\d{1,9}$/

function stateOf(text: (column: Column) => string): Pick<ServerStat, 'stateSeconds' | 'check' | 'isBeingChecked'> {
  const seconds = text('lastchg')
  const check = checkText(text)
  const isBeingChecked = [text('check_status'), text('agent_status')].some((status) => status.startsWith('* '))
  return {
    ...(SECONDS.test(seconds) && { stateSeconds: Number(seconds) }),
    ...(check !== undefined && { check }),
    ...(isBeingChecked && { isBeingChecked })
  }
}
