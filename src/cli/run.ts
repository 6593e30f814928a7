import { once } from 'node:events'
import { discoverMetadata } from '../bootstrap/metadata.ts'
import { startService } from '../bootstrap/service.ts'
import { loadConfig } from '../load-config.ts'
import { systemClock } from '../platform/clock.ts'
import { createLogger } from '../platform/logger.ts'
import { defineCommand } from './command.ts'

export const run = defineCommand({
  summary: 'Run the control tier until it is told to end (the default)',
  usage: '',
  options: {},
  optionDocs: {},
  async run(_args, { env, signal }) {
    const metadata = await discoverMetadata(env, signal)
    const { config } = loadConfig(env, metadata.variables)
    const logger = createLogger(config.logLevel)
    const down = new AbortController()
    const service = await startService({ config, env, clock: systemClock, logger, onLeave: () => down.abort() })
    const unwatch = metadata.watch((annotations) => service.replaceAnnotations(annotations))

    await aborted(AbortSignal.any([signal, down.signal]))

    logger.info('leaving')
    unwatch()
    await service.stop()
  }
})

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}
