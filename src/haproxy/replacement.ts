import type { Logger } from '../platform/logger.ts'
import type { Instance } from './instance.ts'
import type { Known } from './known.ts'
import { endProcess } from './process/end-process.ts'
import type { Supervisor } from './process/supervisor.ts'
import type { RuntimeApi } from './socket/runtime-api.ts'

export interface ReplacementParts {
  known: Known
  instance: Instance
  runtime: RuntimeApi
  supervisor: Supervisor
  logger: Logger
}

/** A worker that has been silent is asked once more. */
const LAST_CHANCE_MS = 1_000
/** As `hard-stop-after` of base.cfg. */
const FINISH_MS = 3_600_000

/** The worker has not answered for long: a reload puts another one in its place, with what ran. Within the queue. */
export async function replaceWorker({ known, instance, runtime, logger }: ReplacementParts): Promise<void> {
  const { worker, lastRunning } = known
  const answers = await runtime.workerPid(LAST_CHANCE_MS).catch(() => undefined)
  if (worker === undefined || lastRunning === undefined || answers === worker.workerPid) return
  logger.error({ pid: worker.workerPid }, 'haproxy worker hangs, and is replaced by a reload')
  await instance.load(lastRunning)
}

/**
 * HAProxy cannot be reached any more, as its sockets were deleted: another one begins beside it with what ran, on the
 * same addresses, and the former one finishes what it has. Within the queue.
 *
 * @throws KontrolError KTL_HAPROXY_RELOAD_FAILED
 */
export async function replaceHaproxy({ known, instance, supervisor, logger }: ReplacementParts): Promise<void> {
  const { lastRunning } = known
  if (!supervisor.runsTwo) {
    logger.error('haproxy cannot be reached, and its supervisor runs only one: restart its program at a quiet time')
    return
  }
  if (lastRunning === undefined) return
  const former = await instance.loadBeside(lastRunning)
  logger.warn({ former: former?.pid }, 'haproxy could not be reached, and was replaced')
  if (former === undefined) return
  void endProcess(former, FINISH_MS).catch((err: unknown) => logger.warn({ err }, 'former haproxy not ended'))
}
