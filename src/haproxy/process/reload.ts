import { setTimeout as sleep } from 'node:timers/promises'
import { KontrolError, messageOf } from '../../errors.ts'
import { alertsOf } from '../files/config-file.ts'
import type { Logger } from '../../platform/logger.ts'
import { RIGHT_TO_BIND } from './bind-probe.ts'
import { endIfHung, goOn } from './hung.ts'
import type { HaproxyLog } from './log.ts'
import { readProcess } from './process-table.ts'
import type { HaproxyProcess, MasterCli, ProcessTable } from '../socket/master-cli.ts'
import { isGone, isRefused } from '../socket/exchange.ts'
import type { RuntimeApi } from '../socket/runtime-api.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'

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

type Judge<T> = (table: ProcessTable) => T | Error | undefined | Promise<T | Error | undefined>

const POLL_MS = 15
/** Asked again then: who hangs must not keep us from seeing another one that answers. */
const ANSWER_MS = 2_000
/** A HAProxy that has been there for long does not make its sockets again: so long, and they are gone for good. */
const GONE_MS = 2_000
/** It may have begun a moment before it was found. */
const ADOPTED_GONE_MS = 10_000
/** What refuses connections for so long does so for good. */
const FINISHES_MS = 1_000
/** From the signal until its socket is there again, which is after it has read its files: 8 s with ten thousand servers. */
const SIGNAL_MS = 20_000

/** Makes HAProxy load its files anew, and believes only what it sees. */
export class Reloader {
  readonly #options: Required<ReloaderOptions>

  constructor(options: ReloaderOptions) {
    this.#options = { timeoutMs: 60_000, settleMs: 1_000, ...options }
  }

  /**
   * Asked before anything is made ready for a reload.
   *
   * @returns false when its socket is gone, and a signal has to do
   * @throws KontrolError KTL_HAPROXY_UNREACHABLE when it does not answer
   */
  async reachable(): Promise<boolean> {
    try {
      await this.#options.master.showProcessesOnceBack()
      return true
    } catch (error) {
      if (isGone(error)) return false
      throw error
    }
  }

  /** The same, and no error of one that ends meanwhile: it can be started. */
  async reachableOrEnded(): Promise<void> {
    await this.reachable().catch((error: unknown) => {
      if (this.#options.supervisor.pid() !== undefined) throw error
    })
  }

  /**
   * Reloads. Done when a new worker has been forked and answers on the runtime
   * socket.
   *
   * @throws KontrolError KTL_HAPROXY_RELOAD_FAILED with what HAProxy said meanwhile
   */
  async reload(): Promise<WorkerPids> {
    const { master, log, logger } = this.#options
    const mark = await log.size()
    const former = (await this.reachable()) ? await this.#ask(mark) : await this.#signal(mark)
    const pids = await this.answering(mark)
    // Not done before the former worker has let go of the sockets.
    if (former !== undefined && former.pid !== pids.workerPid) await endIfHung(former.pid, master, logger)
    return pids
  }

  /** @returns the worker that served before */
  async #ask(mark: number): Promise<HaproxyProcess | undefined> {
    const { master, timeoutMs, logger } = this.#options
    const before = await this.#poll((table) => table, 'the master answers', mark)
    // One that is stopped passes its sockets to nobody, and who waits there for an answer would be cut.
    if (before.worker !== undefined) await goOn(before.worker.pid, logger)
    const answer = await master.reload(timeoutMs)
    if (answer.outcome === 'failed') {
      throw failure(await this.#options.log.hide(alertsOf(answer.log) || answer.log))
    }
    await this.#poll((now) => newWorker(before, now), 'a new worker serves', mark)
    return before.worker
  }

  /**
   * The master's socket is gone: a reload makes it again.
   *
   * @returns the worker that served before
   */
  async #signal(mark: number): Promise<HaproxyProcess | undefined> {
    const { supervisor, logger } = this.#options
    const pid = supervisor.pid()
    if (pid === undefined) throw failure('HAProxy ended')
    await goOn(pid, logger)
    logger.warn({ pid }, 'haproxy is told by a signal to reload')
    process.kill(pid, 'SIGUSR2')
    const judge = ({ master, worker, oldWorkers }: ProcessTable) => {
      if (master.failedReloads > 0) return new Error('HAProxy could not load it')
      return worker && { former: oldWorkers.find(({ reloads }) => reloads === 1) }
    }
    const limits = { timeoutMs: SIGNAL_MS, goneMs: SIGNAL_MS }
    return (await this.#poll(judge, 'a new worker serves', mark, limits)).former
  }

  /**
   * Whether somebody has told it to finish: its master answers, and its worker listens nowhere any more, and serves on for
   * as long as its last client stays. A reload has it serve again.
   */
  async finishes(): Promise<boolean> {
    const { master, runtime } = this.#options
    // One that begins may answer a moment later.
    for (const deadline = performance.now() + FINISHES_MS; ; await sleep(POLL_MS)) {
      try {
        if ((await master.showProcesses(ANSWER_MS)).worker === undefined) return false
        await runtime.workerPid(ANSWER_MS)
        return false
      } catch (error) {
        if (!isRefused(error)) return false
        if (performance.now() > deadline) return true
      }
    }
  }

  /**
   * The same proof for a HAProxy that was started and not reloaded.
   *
   * @param mark size of its log before the start
   * @param adopted it ran already, and has had time to make its sockets
   */
  async started(mark: number, adopted = false): Promise<WorkerPids> {
    const { timeoutMs, supervisor } = this.#options
    // One that it takes the place of answers until it has made its own socket, and is not the one that was started.
    const judge = ({ master, worker }: ProcessTable) => (master.pid === supervisor.pid() ? worker : undefined)
    await this.#poll(judge, 'a worker serves', mark, { goneMs: adopted ? ADOPTED_GONE_MS : timeoutMs })
    return await this.answering(mark)
  }

  /**
   * Waits until the worker that serves is the one that answers on the runtime socket, which passes to a new one a moment
   * after its fork. Another hand may have had the files loaded once more meanwhile.
   *
   * @param mark size of the log before it began; now, when absent
   * @param timeoutMs as for HAProxy to load the files, when absent
   */
  async answering(mark?: number, timeoutMs = this.#options.timeoutMs): Promise<WorkerPids> {
    return await this.#poll(
      async ({ master, worker }) => {
        const pid = await this.#options.runtime.workerPid(ANSWER_MS)
        return pid === worker?.pid ? { masterPid: master.pid, workerPid: pid } : undefined
      },
      'the new worker answers',
      mark ?? (await this.#options.log.size()),
      { timeoutMs }
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
    try {
      const judge = ({ master, worker }: ProcessTable) => (master.pid === masterPid && worker) || died
      const serving = await this.#poll(judge, '', mark, { goneMs: 0 })
      return serving.pid === workerPid
    } catch (error) {
      // Nobody can ask the master any more: there it is, or not.
      if (isGone(error)) return (await readProcess(workerPid))?.parentPid === masterPid
      throw error
    }
  }

  /** Looks at the processes until `judge` gives a value; an Error given ends it. While the master re-executes itself, it refuses connections. */
  async #poll<T>(
    judge: Judge<T>,
    waitingFor: string,
    mark: number,
    { timeoutMs = this.#options.timeoutMs, goneMs = GONE_MS } = {}
  ): Promise<T> {
    const pid = this.#options.supervisor.pid()
    const begun = performance.now()
    let thereAt = begun
    for (;;) {
      const { verdict, error } = await this.#judged(judge)
      if (verdict instanceof Error) throw failure(await this.#words(mark, verdict.message))
      if (verdict !== undefined) return verdict
      const obstacle = this.#obstacle(pid, begun + timeoutMs, waitingFor, error)
      if (obstacle !== undefined) throw failure(await this.#words(mark, obstacle))
      if (!isGone(error)) thereAt = performance.now()
      else if (performance.now() > thereAt + goneMs) throw error
      await sleep(POLL_MS)
    }
  }

  /** Why it is not waited for any longer. */
  #obstacle(pid: number | undefined, deadline: number, waitingFor: string, error: unknown): string | undefined {
    if (pid === undefined || this.#options.supervisor.pid() !== pid) return 'HAProxy ended'
    if (performance.now() <= deadline) return undefined
    return `gave up waiting until ${waitingFor}${error === undefined ? '' : `: ${messageOf(error)}`}`
  }

  async #judged<T>(judge: Judge<T>): Promise<{ verdict?: T | Error | undefined; error?: unknown }> {
    try {
      return { verdict: await judge(await this.#options.master.showProcesses(ANSWER_MS)) }
    } catch (error) {
      return { error }
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

/**
 * Whether HAProxy said that its worker ended with a code of its own. One that was killed (137) or told to end (143), or
 * went with a master that said nothing, was ended by another hand.
 */
export function endedOfItself(error: unknown): boolean {
  return / exited with code (?!(?:0|137|143) )\d+ /.test(messageOf(error))
}

/** As HAProxy 2.6 writes it: "Binding […] for frontend f: cannot bind socket (Permission denied) for [0.0.0.0:80]". */
const MAY_NOT_BIND = /cannot bind socket \(Permission denied\)/

function failure(words: string): KontrolError {
  const remedy = MAY_NOT_BIND.test(words)
    ? `HAProxy's user may not bind the port: ${RIGHT_TO_BIND}`
    : 'Correct what HAProxy names'
  return new KontrolError('KTL_HAPROXY_RELOAD_FAILED', `HAProxy did not take the configuration: ${words}`, {
    hint: `${remedy}; it goes on with the last good configuration.`
  })
}
