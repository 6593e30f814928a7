import { accessSync, constants, mkdirSync } from 'node:fs'
import type { Config } from '../config.ts'
import { KontrolError, messageOf } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import { Closers } from '../platform/closers.ts'
import type { EarlyHaproxy } from './haproxy.ts'
import type { Logger } from '../platform/logger.ts'

export interface ServiceDeps {
  config: Config
  env: NodeJS.ProcessEnv
  /** What callbacks, steps and scripts inherit. */
  children: NodeJS.ProcessEnv
  clock: Clock
  logger: Logger
  /** Ends a start that waits for the registry's store. */
  signal?: AbortSignal
  /** Asked for by POST /down: the process shall leave and end. */
  onLeave: () => void
  /** Where it serves already. */
  haproxy?: EarlyHaproxy | undefined
}

/** One process that runs, of either composition. */
export interface Service {
  /** Of the control tier, which may have been asked for any free one. */
  readonly port: number
  /** New annotations of the pod, edited while it runs. */
  replaceAnnotations(annotations: Readonly<Record<string, string>>): void
  /**
   * Says goodbye to the masters and closes the control tier. HAProxy runs on,
   * unless it is to stop as well; `forGood` leaves the DNS record before.
   */
  stop(options?: StopOptions): Promise<void>
}

interface StopOptions {
  haproxy?: 'keep' | 'stop'
  forGood?: boolean
}

/** What a composition gives of itself; the closers it has filled end the rest. */
interface StartedParts extends Pick<Service, 'port' | 'replaceAnnotations'> {
  /** What comes before anything is closed. */
  leave: (options: Required<StopOptions>) => Promise<void>
}

/**
 * Starts a composition in a data folder that can be written.
 *
 * @throws KontrolError naming what keeps it from starting; what was started has been closed again
 */
export async function startService(
  { config, logger }: ServiceDeps,
  start: (closers: Closers) => Promise<StartedParts>
): Promise<Service> {
  const closers = new Closers(logger)
  try {
    prepareDataFolder(config.dataFolder)
    const { leave, ...started } = await start(closers)
    let stopped: Promise<void> | undefined
    const stop = async ({ haproxy = 'keep', forGood = false }: StopOptions): Promise<void> => {
      await leave({ haproxy, forGood })
      await closers.closeAll()
    }
    return { ...started, stop: (options = {}) => (stopped ??= stop(options)) }
  } catch (error) {
    await closers.closeAll()
    throw error
  }
}

function prepareDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
  } catch (cause) {
    throw new KontrolError('KTL_DATA_UNWRITABLE', `The data folder ${folder} cannot be written: ${messageOf(cause)}`, {
      hint: 'Set KONTROL_DATA to a folder that this user may write.',
      cause
    })
  }
}
