import type { HaproxyProcess, MasterCli } from './master-cli.ts'
import type { Problem } from '../../errors.ts'
import type { ProxyStatus } from './show-stat.ts'
import { infoNumber, type RuntimeApi } from './runtime-api.ts'

/** What GET /api/v1/haproxy shows. */
export interface HaproxyStatus {
  version: string
  /** Of the master. */
  pid: number
  uptimeSeconds: number
  /** Since the master began, failed ones included. */
  reloads: number
  /** Pid of the worker that serves. */
  workerPid?: number
  /** Workers of former reloads that still have connections. */
  oldWorkers: OldWorker[]
  /** Why HAProxy does not run what it should. */
  problems: Problem[]
  proxies: ProxyStatus[]
}

interface OldWorker {
  pid: number
  uptimeSeconds: number
  /** Absent when it ended while it was asked. */
  connections?: number
}

export async function readStatus(master: MasterCli, runtime: RuntimeApi): Promise<Omit<HaproxyStatus, 'problems'>> {
  const table = await master.showProcesses()
  const [proxies, oldWorkers] = await Promise.all([
    runtime.proxies(),
    Promise.all(table.oldWorkers.map(async (worker) => await oldWorker(master, worker)))
  ])
  const { pid, version, uptimeSeconds, reloads } = table.master
  const worker = table.worker && { workerPid: table.worker.pid }
  return { version, pid, uptimeSeconds, reloads, ...worker, oldWorkers, proxies }
}

async function oldWorker(master: MasterCli, { pid, uptimeSeconds }: HaproxyProcess): Promise<OldWorker> {
  const info = await master.toWorker(pid, 'show info').catch(() => '')
  const connections = infoNumber(info, 'CurrConns')
  return { pid, uptimeSeconds, ...(connections !== undefined && { connections }) }
}
