import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { type Config, loadConfig } from '../../config.ts'
import { discoverMetadata } from '../../kubernetes/discover-metadata.ts'
import { systemClock } from '../../platform/clock.ts'
import { defineCommand } from '../command.ts'

export const run = defineCommand({
  summary: 'Run the control tier until it is told to end (the default)',
  usage: '',
  options: {},
  optionDocs: {},
  async run(_args, { env, signal }) {
    const metadata = await discoverMetadata(env, signal)
    const { config } = loadConfig(env, metadata.variables)
    if (config.isSlaveAlone) preferMemory()
    // After that choice, which bears on all that is loaded from here on.
    const { createLogger } = await import('../../platform/logger.ts')
    const logger = await createLogger(config.logLevel)
    const down = new AbortController()
    const deps = { config, env, clock: systemClock, logger, signal, onLeave: () => down.abort() }
    // A slave alone stays small: it loads nothing of a control tier.
    const start = config.isSlaveAlone
      ? (await import('../../bootstrap/slave-alone.ts')).startSlaveAlone
      : (await import('../../bootstrap/control-tier.ts')).startControlTier
    const service = await start(deps).catch((error: unknown) => {
      if (!signal.aborted) throw error
      logger.info('ended before the start was complete')
    })
    if (service === undefined) return
    const unwatch = metadata.watch((annotations) => service.replaceAnnotations(annotations))

    await aborted(AbortSignal.any([signal, down.signal]))

    logger.info('leaving')
    unwatch()
    await service.stop({ forGood: await containerStops(config, env) })
  }
})

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}

/**
 * Whether more than the control tier ends: then clients must not be sent here any more.
 * A slave in a container of our image has no supervisord, although the image is set up for one.
 */
async function containerStops({ supervisor }: Config, env: NodeJS.ProcessEnv): Promise<boolean> {
  const { SUPERVISOR_SERVER_URL: serverUrl } = env
  if (supervisor !== 'supervisord' || serverUrl === undefined) return false
  const { SupervisordClient } = await import('../../platform/supervisord-client.ts')
  return new SupervisordClient(serverUrl).shuttingDown().catch(() => true)
}

/**
 * Trades V8's speed for memory, for a process that has next to nothing to
 * compute: the optimizing compiler with its code takes 7 MB as soon as it runs
 * once, and a heap that may grow at ease another 10. Set while the process
 * runs, as it is known by its configuration alone; what is loaded before the
 * call has been optimized already, so it comes early.
 */
export function preferMemory(): void {
  setFlagsFromString('--no-opt')
  setFlagsFromString('--optimize-for-size')
  // The young generation stays as small as it begins.
  setFlagsFromString('--semi-space-growth-factor=1')
}
