import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../platform/logger.ts'
import { findMasters, readProcess, type ProcessInfo } from '../process/process-table.ts'

/** From one signal to the next, and between two looks whether it went. */
const REPEAT_MS = 500
const POLL_MS = 20
/** Between SIGTERM and SIGKILL, and for the latter. */
const FORCE_MS = 2_000
/** As `hard-stop-after` of base.cfg. */
const FINISH_MS = 3_600_000

/** Lets a HAProxy finish its connections; past `graceMs`, or when aborted, ends it by force. */
export async function endProcess(process: ProcessInfo, graceMs: number, signal?: AbortSignal): Promise<void> {
  await told(process, 'SIGUSR1', graceMs, signal)
  await told(process, 'SIGTERM', FORCE_MS)
  await told(process, 'SIGKILL', FORCE_MS)
}

/**
 * Another HAProxy has taken over, and serves: those before it end when they have finished what they have. They are
 * looked for, as whoever began the other one may not have lived to tell them.
 */
export async function letOthersFinish(socketArgument: string, serving: number, logger: Logger): Promise<void> {
  for (const former of await findMasters(socketArgument)) {
    if (former.pid === serving) continue
    logger.warn({ pid: serving, former: former.pid }, 'former haproxy is told to finish')
    void endProcess(former, FINISH_MS).catch((err: unknown) => logger.warn({ err }, 'former haproxy not ended'))
  }
}

/** Whether it is there, and not another one that got its pid. What cannot be told is taken for alive. */
export async function lives({ pid, startTime }: ProcessInfo): Promise<boolean> {
  try {
    return (await readProcess(pid))?.startTime === startTime
  } catch {
    return true
  }
}

async function told(it: ProcessInfo, name: NodeJS.Signals, patienceMs: number, signal?: AbortSignal): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (await lives(it)) {
    try {
      // Again and again: a HAProxy that begins, or that reloads, executes itself anew and loses what it was told before.
      process.kill(it.pid, name)
    } catch {
      // It went between the look and the signal, which is what was wanted.
    }
    const next = Math.min(performance.now() + REPEAT_MS, deadline)
    while (performance.now() < next && !signal?.aborted && (await lives(it))) await sleep(POLL_MS)
    if (performance.now() >= deadline || signal?.aborted) return
  }
}
