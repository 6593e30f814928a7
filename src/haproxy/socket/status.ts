import { shortened } from '../../model/words/figures.ts'
import type { Clock } from '../../platform/clock.ts'
import type { HaproxyProcess, MasterCli } from './master-cli.ts'
import type { Problem } from '../../errors.ts'
import type { ProxyStat, ServerStat } from './show-stat.ts'
import { infoNumber, type RuntimeApi } from './runtime-api.ts'
import { eachServer, withServers } from './each-server.ts'
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
  proxies: CountedProxy[]
}

export interface ProxyStatus extends Omit<ProxyStat, 'servers'> {
  servers: ServerStatus[]
}

export interface CountedProxy extends ProxyStatus {
  serverCount: ServerCount
}

/** Without those whose pods have left. */
interface ServerCount {
  all: number
  down: number
  /** In maintenance or drain. */
  out: number
  /** The first three that are down. */
  names: string[]
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

  async read(): Promise<Omit<HaproxyStatus, 'problems' | 'proxies'> & { proxies: ProxyStatus[] }> {
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
    const proxies = await this.#memory.told(await runtime.proxies(), clock.now())
    // Many servers say the same, and all of it is looked through at once.
    const said = new Set<string>()
    await eachServer(proxies, ({ check }) => check !== undefined && said.add(check))
    const checks = [...said]
    const hidden = (await hide(checks.join('\n'))).split('\n')
    const shown = new Map(checks.map((check, index) => [check, shortened(hidden[index] ?? '', CHECK_CHARACTERS)]))
    return await withServers(proxies, (server) =>
      server.check === undefined ? server : { ...server, check: shown.get(server.check) ?? '' }
    )
  }
}

const NAMED = 3

/** With how many servers of each kind there are, counted once for all who ask. */
export async function counted(proxies: readonly ProxyStatus[]): Promise<CountedProxy[]> {
  const counts = new Map(proxies.map((proxy) => [proxy, { all: 0, down: 0, out: 0, names: [] as string[] }]))
  await eachServer(proxies, ({ left, name, status }, proxy) => {
    const count = counts.get(proxy)
    if (count === undefined || left === true) return
    count.all++
    if (status.startsWith('DOWN')) {
      count.down++
      if (count.down <= NAMED) count.names.push(name)
    } else if (!status.startsWith('UP') && !status.startsWith('no check')) count.out++
  })
  return Array.from(counts, ([proxy, serverCount]) => ({ ...proxy, serverCount }))
}

async function oldWorker(master: MasterCli, { pid, uptimeSeconds }: HaproxyProcess): Promise<OldWorker> {
  const info = await master.toWorker(pid, 'show info').catch(() => '')
  const connections = infoNumber(info, 'CurrConns')
  return { pid, uptimeSeconds, ...(connections !== undefined && { connections }) }
}
