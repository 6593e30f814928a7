import { csvCells, csvLines } from '../../platform/csv.ts'
import { eachInTurns } from '../../platform/turns.ts'

interface ServerStatus {
  name: string
  /** HAProxy's own words: `UP`, `DOWN 1/2`, `MAINT`, `DRAIN`, `no check` … */
  status: string
  address: string
  sessions: number
  totalSessions: number
  bytesIn: number
  bytesOut: number
  /** Its pod has left: it finishes what it has, or stands by to be given to another pod. */
  left?: true
}

/** One frontend, backend, or `listen` section, with the totals HAProxy counts since the worker began. */
export interface ProxyStatus {
  name: string
  frontend?: SideStatus
  backend?: BackendStatus
  servers: ServerStatus[]
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

/**
 * Reads `show stat`: CSV whose first line names the columns. What a pod answered to its check stands there in quotes, with
 * all commas and line feeds that it has. 2.6.12, abridged:
 *
 *     # pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,…,status,…,addr,…
 *     proxy,FRONTEND,,,0,0,20000,0,0,0,…,OPEN,…,,…
 *     http,web-1,0,0,0,0,,0,0,0,…,UP,…,127.0.0.2:80,…
 *     http,BACKEND,0,0,0,0,2000,0,0,0,…,UP,…,,…
 */
export async function parseStat(csv: string): Promise<ProxyStatus[]> {
  const [header = '', ...lines] = csvLines(csv)
  const columns = csvCells(header.replace(/^# /, ''))
  const at = Object.fromEntries(columns.map((name, index) => [name, index]))
  const proxies = new Map<string, ProxyStatus>()
  await eachInTurns(lines, (line) => {
    const cells = csvCells(line)
    const text = (column: string): string => cells[at[column] ?? -1] ?? ''
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
    else proxy.servers.push({ name: kind, address: text('addr'), ...side })
  })
  return [...proxies.values()]
}
