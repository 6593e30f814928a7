import { setTimeout as sleep } from 'node:timers/promises'
import { KontrolError, messageOf } from '../../errors.ts'
import { alertsOf } from '../files/config-file.ts'
import type { Logger } from '../../platform/logger.ts'
import { endIfHung } from './hung.ts'
import type { HaproxyLog } from './log.ts'
import type { HaproxyProcess, MasterCli, ProcessTable } from '../socket/master-cli.ts'
import type { RuntimeApi } from '../socket/runtime-api.ts'
import type { Supervisor } from './supervisor.ts'

export interface WorkerPids {
  masterPid: number
  workerPid: number
}

export interface ReloaderOptions {
  master: MasterCli
  runtime: RuntimeApi
  log: HaproxyLog
  logger: Logger
  supervisor: Pick<Supervisor, 'pid'>
  /** Milliseconds HAProxy may take to load the files. */
  timeoutMs?: number
  /** Milliseconds a new worker must live before it is believed: what goes wrong behind its fork goes wrong at once. */
  settleMs?: number
}

const POLL_MS = 15
/** A master that re-executes itself, or a busy machine, may need a moment. */
const REACHABLE_MS = 3_000

/** Makes HAProxy load its files anew, and believes only what it sees. */
export class Reloader {
  readonly #options: Required<ReloaderOptions>

  constructor(options: ReloaderOptions) {
    this.#options = { timeoutMs: 60_000, settleMs: 1_000, ...options }
  }

  /**
   * Asked before anything is made ready for a reload.
   *
   * @throws KontrolError KTL_HAPROXY_UNREACHABLE when no reload can be asked for
   */
  async reachable(): Promise<void> {
    for (const deadline = performance.now() + REACHABLE_MS; ;) {
      try {
        return void (await this.#options.master.showProcesses(REACHABLE_MS))
      } catch (error) {
        // Refused while it re-executes itself.
        const refused = error instanceof Error && (error.cause as NodeJS.ErrnoException).code === 'ECONNREFUSED'
        if (!refused || performance.now() > deadline) throw error
        await sleep(POLL_MS)
      }
    }
  }

  /**
   * Reloads. Done when a new worker has been forked and answers on the runtime
   * socket.
   *
   * @throws KontrolError KTL_HAPROXY_RELOAD_FAILED with what HAProxy said meanwhile
   */
  async reload(): Promise<WorkerPids> {
    const { master, log, logger, timeoutMs } = this.#options
    const mark = await log.size()
    const before = await this.#poll((table) => table, 'the master answers', mark)
    const answer = await master.reload(timeoutMs)
    if (answer.outcome === 'failed') throw failure(alertsOf(answer.log) || answer.log)
    await this.#poll((now) => newWorker(before, now), 'a new worker serves', mark)
    const pids = await this.answering(mark)
    // Not done before the former worker has let go of the sockets.
    const { worker: former } = before
    if (former !== undefined && former.pid !== pids.workerPid) await endIfHung(former.pid, master, logger)
    return pids
  }

  /**
   * The same proof for a HAProxy that was started and not reloaded.
   *
   * @param mark size of its log before the start
   */
  async started(mark: number): Promise<WorkerPids> {
    await this.#poll(({ worker }) => worker, 'a worker serves', mark)
    return await this.answering(mark)
  }

  /**
   * Waits until the worker that serves is the one that answers on the runtime socket, which passes to a new one a moment
   * after its fork. Another hand may have had the files loaded once more meanwhile.
   *
   * @param mark size of the log before it began; now, when absent
   */
  async answering(mark?: number): Promise<WorkerPids> {
    return await this.#poll(
      async ({ master, worker }) => {
        const pid = await this.#options.runtime.workerPid()
        return pid === worker?.pid ? { masterPid: master.pid, workerPid: pid } : undefined
      },
      'the new worker answers',
      mark ?? (await this.#options.log.size())
    )
  }

  /**
   * Waits a moment, and looks whether the worker still lives then.
   *
   * @returns false when its master has begun another one in its place, as any hand may ask it to
   * @throws KontrolError KTL_HAPROXY_RELOAD_FAILED with what HAProxy said meanwhile
   */
  async survived({ masterPid, workerPid }: WorkerPids): Promise<boolean> {
    const mark = await this.#options.log.size()
    await sleep(this.#options.settleMs)
    const died = new Error('the new worker died')
    const serving = await this.#poll(({ master, worker }) => (master.pid === masterPid && worker) || died, '', mark)
    return serving.pid === workerPid
  }

  /** Looks at the processes until `judge` gives a value; an Error given ends it. While the master re-executes itself, it refuses connections. */
  async #poll<T>(
    judge: (table: ProcessTable) => T | Error | undefined | Promise<T | Error | undefined>,
    waitingFor: string,
    mark: number
  ): Promise<T> {
    const { master, supervisor, timeoutMs } = this.#options
    const deadline = performance.now() + timeoutMs
    const pid = supervisor.pid()
    for (;;) {
      let obstacle = `gave up waiting until ${waitingFor}`
      try {
        const verdict = await judge(await master.showProcesses())
        if (verdict instanceof Error) throw failure(await this.#words(mark, verdict.message))
        if (verdict !== undefined) return verdict
      } catch (error) {
        if (error instanceof KontrolError && error.code === 'KTL_HAPROXY_RELOAD_FAILED') throw error
        obstacle = `${obstacle}: ${messageOf(error)}`
      }
      if (pid === undefined || supervisor.pid() !== pid) throw failure(await this.#words(mark, 'HAProxy ended'))
      if (performance.now() > deadline) throw failure(await this.#words(mark, obstacle))
      await sleep(POLL_MS)
    }
  }

  async #words(mark: number, otherwise: string): Promise<string> {
    const alerts = alertsOf(await this.#options.log.since(mark))
    return alerts === '' ? otherwise : `${otherwise}: ${alerts}`
  }
}

function newWorker(before: ProcessTable, now: ProcessTable): HaproxyProcess | Error | undefined {
  if (now.master.reloads === before.master.reloads) return undefined
  if (now.master.failedReloads > 0) return new Error('HAProxy could not load it')
  return now.worker?.pid === before.worker?.pid ? undefined : now.worker
}

function failure(words: string): KontrolError {
  return new KontrolError('KTL_HAPROXY_RELOAD_FAILED', `HAProxy did not take the configuration: ${words}`, {
    hint: 'Correct what HAProxy names; it goes on with the last good configuration.'
  })
}
