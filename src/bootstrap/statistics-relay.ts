import { haproxyPaths } from '../haproxy/files/paths.ts'
import { exchange } from '../haproxy/socket/exchange.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { infoSamples, statSamples } from '../telemetry/haproxy-samples.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { OpentsdbEndpoint } from '../telemetry/opentsdb-endpoint.ts'
import { OpentsdbRelay } from '../telemetry/opentsdb.ts'
import type { Sample } from '../telemetry/sample.ts'

export interface StatisticsRelayDeps {
  config: Config
  clock: Clock
  logger: Logger
  metrics: Metrics
}

/** The relay that sends the figures of HAProxy, and those of our own. */
export function createStatisticsRelay(
  { config, clock, logger, metrics }: StatisticsRelayDeps,
  endpoint: OpentsdbEndpoint,
  tags: Readonly<Record<string, string>>
): OpentsdbRelay {
  const socket = haproxyPaths(config.dataFolder).runtimeSocket
  let told = false
  const tell = (serversLeftOut: number): void => {
    if (told || serversLeftOut === 0) return
    told = true
    logger.warn({ servers: serversLeftOut }, 'statistics leave out single servers')
  }
  const collect = async (): Promise<Sample[]> => {
    const at = clock.now()
    const own = metrics.samples(at)
    const [info, stat] = await Promise.all([exchange(socket, 'show info'), exchange(socket, 'show stat')]).catch(() => {
      // HAProxy is away, which the figures of our own tell.
      return ['', '']
    })
    const { samples, serversLeftOut } = await statSamples(stat ?? '', at)
    tell(serversLeftOut)
    return [...(await own), ...infoSamples(info ?? '', at), ...samples]
  }
  return new OpentsdbRelay({ ...endpoint, tags, collect, clock, logger })
}
