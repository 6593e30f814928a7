import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { findKontrolError, messageOf } from '../errors.ts'
import { haproxyPaths } from '../haproxy/haproxy-paths.ts'
import { exchange } from '../haproxy/unix-exchange.ts'
import { fromData } from '../jinja/from-data.ts'
import { JinjaTemplate } from '../jinja/template.ts'
import type { Config } from '../load-config.ts'
import { writeFileAtomic } from '../platform/atomic-file.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { SupervisordClient } from '../platform/supervisord-client.ts'
import { globalTags } from '../telemetry/global-tags.ts'
import { infoSamples, statSamples } from '../telemetry/haproxy-samples.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { parseOpentsdbEndpoint, type OpentsdbEndpoint } from '../telemetry/opentsdb-endpoint.ts'
import { OpentsdbRelay } from '../telemetry/opentsdb.ts'
import type { Sample } from '../telemetry/sample.ts'
import { startTelegraf } from '../telemetry/telegraf-program.ts'
import { renderTelegrafConf } from '../telemetry/telegraf.ts'

export interface StatisticsDeps {
  config: Config
  env: NodeJS.ProcessEnv
  clock: Clock
  logger: Logger
  metrics: Metrics
}

/** Who sends figures to the endpoint of the annotation: telegraf where it is installed and supervised, else we do. */
export interface Statistics {
  /** The part of the setup step: writes telegraf.conf, and starts telegraf. */
  prepare(): Promise<void>
  start(): void
  stop(): Promise<void>
}

const ANNOTATION = 'kontrol.unity3d.com/opentsdb'
const TEMPLATE = new URL('../../lifecycle/telegraf.conf.njk', import.meta.url)

/** Undefined when no endpoint is asked for. */
export function createStatistics(deps: StatisticsDeps): Statistics | undefined {
  const { config, env, logger } = deps
  const endpoint = endpointOf(config, logger)
  if (endpoint === undefined) return undefined
  const tags = globalTags(config.nodeLabels, config.labels)
  const telegraf = config.supervisor === 'supervisord' && isInstalled('telegraf', env)
  const relay = telegraf ? undefined : createRelay(deps, endpoint, tags)
  return {
    async prepare() {
      const statsSocket = haproxyPaths(config.dataFolder).runtimeSocket
      const text = renderTelegrafConf(readFileSync(TEMPLATE, 'utf8'), { endpoint, tags, statsSocket }, renderTemplate)
      await writeFileAtomic(join(config.dataFolder, 'telegraf.conf'), `${text}\n`)
      if (telegraf) await startTelegraf(new SupervisordClient(env.SUPERVISOR_SERVER_URL ?? ''))
    },
    start: () => relay?.start(),
    stop: async () => relay?.stop()
  }
}

/** A wrong annotation is told, and keeps nothing else from working. */
function endpointOf({ annotations }: Config, logger: Logger): OpentsdbEndpoint | undefined {
  const annotation = annotations[ANNOTATION]
  if (annotation === undefined) return undefined
  try {
    return parseOpentsdbEndpoint(annotation)
  } catch (error) {
    logger.error({ reason: messageOf(error), hint: findKontrolError(error)?.hint }, 'statistics are not sent')
    return undefined
  }
}

function createRelay(deps: StatisticsDeps, endpoint: OpentsdbEndpoint, tags: Record<string, string>): OpentsdbRelay {
  const { config, clock, logger, metrics } = deps
  const socket = haproxyPaths(config.dataFolder).runtimeSocket
  const collect = async (): Promise<Sample[]> => {
    const at = clock.now()
    const own = metrics.samples(at)
    const [info, stat] = await Promise.all([exchange(socket, 'show info'), exchange(socket, 'show stat')]).catch(() => {
      // HAProxy is away, which the figures of our own tell.
      return ['', '']
    })
    return [...(await own), ...infoSamples(info ?? '', at), ...statSamples(stat ?? '', at)]
  }
  return new OpentsdbRelay({ ...endpoint, tags, collect, clock, logger })
}

function renderTemplate(template: string, variables: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(variables).map(([name, data]) => [name, () => fromData(data)] as const)
  return new JinjaTemplate(template).render(new Map(entries))
}

function isInstalled(program: string, env: NodeJS.ProcessEnv): boolean {
  return (env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
