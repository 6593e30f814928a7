import { shortened } from '../../model/words/figures.ts'
import type { Clock } from '../../platform/clock.ts'
import type { HaproxyProcess, MasterCli } from './master-cli.ts'
import type { Problem } from '../../errors.ts'
import type { ProxyStat, ServerStat } from './show-stat.ts'
import { infoNumber, type RuntimeApi } from './runtime-api.ts'
import { ServerMemory } from './server-memory.ts'

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

export interface ProxyStatus extends Omit<ProxyStat, 'servers'> {
  servers: ServerStatus[]
}

export interface ServerStatus extends Omit<ServerStat, 'stateSeconds' | 'isBeingChecked'> {
  /** When its state changed last. */
  since?: string
  /** Its pod has left: it finishes what it has, or stands by to be given to another pod. */
  left?: true
}

interface OldWorker {
  pid: number
  uptimeSeconds: number
  /** Absent when it ended while it was asked. */
  connections?: number
}

export interface StatusReaderOptions {
  master: MasterCli
  runtime: RuntimeApi
  clock: Clock
  /** Whether HAProxy is there, if only to load its files anew. */
  isUp: () => boolean
  /** Words of HAProxy's without the secrets of its configuration. */
  hide: (words: string) => Promise<string>
}

/** HAProxy keeps 127 bytes of what a check found, once for the server and once for its agent. */
const CHECK_CHARACTERS = 300

/** Asks the processes how they are. */
export class StatusReader {
  readonly #options: StatusReaderOptions
  readonly #memory = new ServerMemory()

  constructor(options: StatusReaderOptions) {
    this.#options = options
  }

  async read(): Promise<Omit<HaproxyStatus, 'problems'>> {
    const { master, isUp } = this.#options
    const table = await master.showProcessesOnceBack(isUp)
    const [proxies, oldWorkers] = await Promise.all([
      this.#proxies(),
      Promise.all(table.oldWorkers.map(async (worker) => await oldWorker(master, worker)))
    ])
    const { pid, version, uptimeSeconds, reloads } = table.master
    const worker = table.worker && { workerPid: table.worker.pid }
    return { version, pid, uptimeSeconds, reloads, ...worker, oldWorkers, proxies }
  }

  async #proxies(): Promise<ProxyStatus[]> {
    const { runtime, clock, hide } = this.#options
    const proxies = this.#memory.told(await runtime.proxies(), clock.now())
    // Many servers say the same, and all of it is looked through at once.
    const checks = [...new Set(proxies.flatMap(({ servers }) => servers.flatMap(({ check }) => check ?? [])))]
    const hidden = (await hide(checks.join('\n'))).split('\n')
    const shown = new Map(checks.map((check, index) => [check, shortened(hidden[index] ?? '', CHECK_CHARACTERS)]))
    return proxies.map((proxy) => ({
      ...proxy,
      servers: proxy.servers.map((server) =>
        server.check === undefined ? server : { ...server, check: shown.get(server.check) ?? '' }
      )
    }))
  }
}

async function oldWorker(master: MasterCli, { pid, uptimeSeconds }: HaproxyProcess): Promise<OldWorker> {
  const info = await master.toWorker(pid, 'show info').catch(() => '')
  const connections = infoNumber(info, 'CurrConns')
  return { pid, uptimeSeconds, ...(connections !== undefined && { connections }) }
}
