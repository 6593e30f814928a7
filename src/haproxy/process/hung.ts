import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../platform/logger.ts'
import type { MasterCli } from '../socket/master-cli.ts'
import { listenersOf } from './listeners.ts'
import { isStopped } from './process-table.ts'

/** A worker that a reload replaced takes no connection any more within this. */
const LET_GO_MS = 1_500
const ANSWER_MS = 2_000
const POLL_MS = 50

/**
 * Has a process that somebody stopped (SIGSTOP) go on: what its clients wait for is answered then.
 *
 * @returns whether it was stopped
 */
export async function goOn(pid: number, logger: Logger): Promise<boolean> {
  if (!(await isStopped(pid))) return false
  logger.warn({ pid }, 'haproxy process was stopped, and is continued')
  return signal(pid, 'SIGCONT')
}

/**
 * A former worker that hangs has not passed its sockets to the one that replaced it, and the kernel gives it a share of
 * the connections for ever: it is ended. One that answers may have its reasons, such as `grace`.
 */
export async function endIfHung(pid: number, master: MasterCli, logger: Logger): Promise<void> {
  if (await letsGo(pid)) return
  if ((await goOn(pid, logger)) && (await letsGo(pid))) return
  const answer = await master.toWorker(pid, 'show info', ANSWER_MS).catch(() => '')
  if (/^Pid: /m.test(answer)) return
  logger.error({ pid }, 'former haproxy worker hangs with its sockets, and is ended')
  signal(pid, 'SIGKILL')
  await letsGo(pid)
}

/** Whether it stops listening. */
async function letsGo(pid: number): Promise<boolean> {
  for (const deadline = performance.now() + LET_GO_MS; ;) {
    if ((await listenersOf(pid)).own.length === 0) return true
    if (performance.now() > deadline) return false
    await sleep(POLL_MS)
  }
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    // It went meanwhile.
    return false
  }
}
