import { setTimeout as sleep } from 'node:timers/promises'
import { KontrolError } from '../../errors.ts'
import { exchange, isRefused, isReset } from './exchange.ts'

export interface HaproxyProcess {
  pid: number
  /** Of the master: reloads so far, failed ones included. Of a worker: reloads it has lived through. */
  reloads: number
  uptimeSeconds: number
  version: string
}

/** What `show proc` says. */
export interface ProcessTable {
  /** `failedReloads`: failed in a row; the next success sets it back to 0. */
  master: HaproxyProcess & { failedReloads: number }
  /** The worker that serves; undefined while there is none. */
  worker: HaproxyProcess | undefined
  /** Workers of former reloads that still have connections. */
  oldWorkers: HaproxyProcess[]
}

/** `accepted`: under way, the process table tells the rest (before 2.7, which answer nothing). */
export type ReloadAnswer = { outcome: 'accepted' | 'succeeded' } | { outcome: 'failed'; log: string }

/** A master that re-executes itself, or a busy machine, may need a moment. */
const BACK_MS = 3_000
const POLL_MS = 15

/** The socket of the master process (`haproxy -W -S`). */
export class MasterCli {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  async showProcesses(timeoutMs?: number): Promise<ProcessTable> {
    const answer = await exchange(this.#path, 'show proc', { timeoutMs })
    const table = parseProcesses(answer)
    if (table === undefined) {
      const words = `"show proc" answered ${JSON.stringify(answer.slice(0, 200))}`
      throw new KontrolError('KTL_HAPROXY_UNREACHABLE', words, {
        hint: 'Check that only HAProxy listens on the master socket.'
      })
    }
    return table
  }

  /**
   * The same of a master that may just re-execute itself, for a reload: it refuses connections meanwhile, and lets go of
   * those that it had. It is asked again for some seconds.
   *
   * @param isUp false once it has ended, and need not be waited for
   */
  async showProcessesOnceBack(isUp: () => boolean = () => true): Promise<ProcessTable> {
    for (const deadline = performance.now() + BACK_MS; ; await sleep(POLL_MS)) {
      try {
        return await this.showProcesses(BACK_MS)
      } catch (error) {
        if (!(isRefused(error) || isReset(error)) || !isUp() || performance.now() > deadline) throw error
      }
    }
  }

  /** @param timeoutMs how long HAProxy may take to load the files: from 2.7 on it answers only then */
  async reload(timeoutMs: number): Promise<ReloadAnswer> {
    return parseReload(await exchange(this.#path, 'reload', { timeoutMs, mayBeSilent: true }))
  }

  /** Says a line to one worker, which may be an old one that no other socket reaches. */
  async toWorker(pid: number, command: string, timeoutMs?: number): Promise<string> {
    return exchange(this.#path, `@!${pid} ${command}`, { timeoutMs })
  }
}

/**
 * Up to 2.6 the answer is empty. From 2.7 on (this is 3.0.11):
 *
 *     Success=1
 *     --
 *     [NOTICE]   (12) : haproxy version is 3.0.11-1+deb13u2
 *
 * 3.1 may also say `Another reload is still in progress.`
 */
export function parseReload(answer: string): ReloadAnswer {
  const text = answer.trim()
  if (text === '') return { outcome: 'accepted' }
  const match = /^Success=([01])\s*(?:--\s*)?([\s\S]*)$/.exec(text)
  if (match?.[1] === '1') return { outcome: 'succeeded' }
  return { outcome: 'failed', log: match?.[2] ?? text }
}

/**
 * 2.6.12, after one good and one failed reload, with an old worker at work:
 *
 *     #<PID>          <type>          <reloads>       <uptime>        <version>
 *     13231           master          2 [failed: 1]   0d00h00m01s     2.6.12-1+deb12u4
 *     # workers
 *     13318           worker          1               0d00h00m01s     2.6.12-1+deb12u4
 *     # old workers
 *     13234           worker          2               0d00h00m02s     2.6.12-1+deb12u4
 *     # programs
 *
 * 3.x prints the same; `# programs` is gone from 3.3 on. After a reload that failed, 3.2 shows the worker that goes on
 * serving under `# old workers`, and none above:
 *
 *     22553           master          1 [failed: 1]   0d00h00m06s     3.2.26-1
 *     # workers
 *     # old workers
 *     22558           worker          1               0d00h00m06s     3.2.26-1
 */
export function parseProcesses(text: string): ProcessTable | undefined {
  const rows = rowsOf(text)
  const row = rows.find(({ type }) => type === 'master')
  if (row === undefined) return undefined
  const of = (section: string): HaproxyProcess[] =>
    rows.filter((one) => one.section === section && one.type !== 'master').map(({ process }) => process)
  const [[worker], oldWorkers] = [of('workers'), of('old workers')]
  const { process, failedReloads } = row
  const serving = worker ?? (failedReloads > 0 ? takeYoungest(oldWorkers) : undefined)
  return { master: { ...process, failedReloads }, worker: serving, oldWorkers }
}

/** The one that has lived through the fewest reloads. */
function takeYoungest(workers: HaproxyProcess[]): HaproxyProcess | undefined {
  workers.sort((one, other) => one.reloads - other.reloads)
  return workers.shift()
}

const ROW = /^(\d+)\s+(\w+)\s+(\d+)(?:\s+\[failed: (\d+)\])?\s+(\d+)d(\d+)h(\d+)m(\d+)s\s+(\S+)/

interface Row {
  section: string
  type: string
  failedReloads: number
  process: HaproxyProcess
}

function rowsOf(text: string): Row[] {
  let section = ''
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('#')) section = line.slice(1).trim()
    const match = ROW.exec(line)
    if (match === null) return []
    const [, pid, type = '', reloads, failed, days, hours, minutes, seconds, version = ''] = match
    const uptimeSeconds = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)
    const process = { pid: Number(pid), reloads: Number(reloads), uptimeSeconds, version }
    return [{ section, type, failedReloads: Number(failed ?? 0), process }]
  })
}
