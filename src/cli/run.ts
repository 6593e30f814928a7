import { once } from 'node:events'
import { discoverMetadata } from '../bootstrap/metadata.ts'
import { isSlaveAlone } from '../bootstrap/process-role.ts'
import { loadConfig, type Config } from '../config.ts'
import { systemClock } from '../platform/clock.ts'
import { preferMemory } from '../platform/prefer-memory.ts'
import { defineCommand } from './command.ts'

export const run = defineCommand({
  summary: 'Run the control tier until it is told to end (the default)',
  usage: '',
  options: {},
  optionDocs: {},
  async run(_args, { env, signal }) {
    const metadata = await discoverMetadata(env, signal)
    const { config } = loadConfig(env, metadata.variables)
    if (isSlaveAlone(config)) preferMemory()
    // After that choice, which bears on all that is loaded from here on.
    const { createLogger } = await import('../platform/logger.ts')
    const { startService } = await import('../bootstrap/service.ts')
    const logger = await createLogger(config.logLevel)
    const down = new AbortController()
    const service = await startService({ config, env, clock: systemClock, logger, onLeave: () => down.abort() })
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
  const { SupervisordClient } = await import('../platform/supervisord-client.ts')
  return new SupervisordClient(serverUrl).shuttingDown().catch(() => true)
}
