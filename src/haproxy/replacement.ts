import type { Logger } from '../platform/logger.ts'
import type { Instance } from './instance.ts'
import type { Known } from './known.ts'
import type { Reloader } from './process/reload.ts'
import { isGone } from './socket/exchange.ts'
import type { RuntimeApi } from './socket/runtime-api.ts'

export interface ReplacementParts {
  known: Known
  instance: Instance
  runtime: RuntimeApi
  reloader: Reloader
  logger: Logger
}

/** A worker that has been silent is asked once more. */
const LAST_CHANCE_MS = 1_000

/** The worker has not answered for long, or takes no connections any more: a reload puts another one in its place, with what ran. Within the queue. */
export async function replaceWorker({ known, instance, runtime, logger }: ReplacementParts): Promise<void> {
  const { worker, lastRunning } = known
  const answers = await runtime.workerPid(LAST_CHANCE_MS).catch(() => undefined)
  if (worker === undefined || lastRunning === undefined || answers === worker.workerPid) return
  logger.error({ pid: worker.workerPid }, 'haproxy worker does not serve, and is replaced by a reload')
  await instance.load(lastRunning)
}

/**
 * HAProxy cannot be reached any more, as a socket of it was deleted: a reload with what ran, by a signal if need be, makes
 * it again. Within the queue.
 *
 * @throws KontrolError KTL_HAPROXY_UNREACHABLE, KTL_HAPROXY_RELOAD_FAILED
 */
export async function replaceHaproxy(parts: ReplacementParts): Promise<void> {
  const { known, instance, reloader, runtime, logger } = parts
  const { lastRunning } = known
  // What was in front of us in the queue may have replaced it already.
  if ((await reloader.reachable()) && !(await runtime.workerPid(LAST_CHANCE_MS).then(() => false, isGone))) return
  if (lastRunning === undefined) {
    logger.error('haproxy cannot be reached, and what it runs is not known: the next configuration reloads it')
    return
  }
  logger.warn(known.worker ?? {}, 'haproxy cannot be reached, and is reloaded')
  await instance.load(lastRunning)
}
