import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { childEnvironment } from '../../bootstrap/child-environment.ts'
import { type Config, haproxyConfigOf, loadConfig } from '../../config.ts'
import { discoverMetadata } from '../../kubernetes/discover-metadata.ts'
import { detectMetadataSource } from '../../kubernetes/metadata-source.ts'
import { systemClock } from '../../platform/clock.ts'
import { refuseFewDescriptors } from '../../platform/descriptors.ts'
import { variableIfItFits } from '../../platform/process/script-input.ts'
import { defineCommand } from '../command.ts'

export const run = defineCommand({
  summary: 'Run the control tier until it is told to end (the default)',
  usage: '[-d]',
  options: { debug: { type: 'boolean', short: 'd', default: false } },
  optionDocs: {
    debug: 'Log at level debug, unless KONTROL_LOG_LEVEL says otherwise: how the images of Kontrol call it'
  },
  async run({ values }, { env, signal }) {
    await holding(runUntilTold(values.debug ? { KONTROL_LOG_LEVEL: 'debug', ...env } : env, signal))
  }
})

async function runUntilTold(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const haproxy = await startHaproxyFirst(env)
  const metadata = await discoverMetadata(env, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
  if (metadata === undefined) return
  const { config } = loadConfig(env, metadata.variables)
  if (config.isSlaveAlone) preferMemory()
  else refuseFewDescriptors()
  // After that choice, which bears on all that is loaded from here on.
  const { createLogger } = await import('../../platform/logger.ts')
  const logger = await createLogger(config.logLevel)
  if (!config.needsAutomaton) await haproxy?.driver.close()
  const down = new AbortController()
  const children = childEnvironment(env, metadata.variables, config)
  const deps = { config, env, children, clock: systemClock, logger, signal, onLeave: () => down.abort(), haproxy }
  // A slave alone stays small: it loads nothing of a control tier.
  const start = config.isSlaveAlone
    ? (await import('../../bootstrap/slave-alone.ts')).startSlaveAlone
    : (await import('../../bootstrap/control-tier.ts')).startControlTier
  const service = await start(deps).catch((error: unknown) => {
    if (!signal.aborted) throw error
    logger.info('ended before the start was complete')
  })
  if (service === undefined) return
  const unwatch = metadata.watch((annotations) => {
    children.KONTROL_ANNOTATIONS = variableIfItFits('KONTROL_ANNOTATIONS', JSON.stringify(annotations))
    service.replaceAnnotations(annotations)
  })

  await aborted(AbortSignal.any([signal, down.signal]))

  logger.info('leaving')
  unwatch()
  await service.stop({ forGood: await containerStops(config, env) })
}

/** Clients wait for nothing that the control tier may have to wait for. */
async function startHaproxyFirst(env: NodeJS.ProcessEnv) {
  const config = haproxyConfigOf(env, detectMetadataSource(env) === 'none')
  // A slave alone has no such folder, and loads none of this.
  if (config === undefined || !existsSync(join(config.dataFolder, 'haproxy'))) return undefined
  const { createLogger } = await import('../../platform/logger.ts')
  const first = await import('../../bootstrap/haproxy.ts')
  return await first.startHaproxyFirst({
    ...{ config, env, clock: systemClock },
    logger: await createLogger(config.logLevel)
  })
}

/** Holds the process: whatever it waits for, its event loop does not run dry before it is told to end. */
async function holding<T>(work: Promise<T>): Promise<T> {
  const hold = setInterval(() => {}, HOLD_MS)
  return await work.finally(() => clearInterval(hold))
}

const HOLD_MS = 60_000

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
  const { SupervisordClient } = await import('../../platform/process/supervisord-client.ts')
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
