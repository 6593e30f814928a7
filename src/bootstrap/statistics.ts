import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { findKontrolError, messageOf } from '../errors.ts'
import { haproxyPaths } from '../haproxy/haproxy-paths.ts'
import { fromData } from '../jinja/from-data.ts'
import { JinjaTemplate } from '../jinja/template.ts'
import { writeFileAtomic } from '../platform/atomic-file.ts'
import type { Logger } from '../platform/logger.ts'
import { SupervisordClient } from '../platform/supervisord-client.ts'
import { globalTags } from '../telemetry/global-tags.ts'
import { parseOpentsdbEndpoint, type OpentsdbEndpoint } from '../telemetry/opentsdb-endpoint.ts'
import type { OpentsdbRelay } from '../telemetry/opentsdb.ts'
import { startTelegraf, stopTelegraf } from '../telemetry/telegraf-program.ts'
import { renderTelegrafConf } from '../telemetry/telegraf.ts'
import { createStatisticsRelay, type StatisticsRelayDeps } from './statistics-relay.ts'

export interface StatisticsDeps extends StatisticsRelayDeps {
  env: NodeJS.ProcessEnv
}

const ANNOTATION = 'kontrol.unity3d.com/opentsdb'
const TEMPLATE = new URL('../../lifecycle/telegraf.conf.njk', import.meta.url)

/** Who sends figures to the endpoint of the annotation: telegraf where it is installed and supervised, else we do. */
export class Statistics {
  readonly #deps: StatisticsDeps
  readonly #tags: Record<string, string>
  /** Where telegraf is to do it. */
  readonly #telegraf: SupervisordClient | undefined
  #endpoint: OpentsdbEndpoint | undefined
  #relay: OpentsdbRelay | undefined
  #started = false

  constructor(deps: StatisticsDeps) {
    const { config, env, logger } = deps
    this.#deps = deps
    this.#tags = globalTags(config.nodeLabels, config.labels)
    const telegraf = config.supervisor === 'supervisord' && isInstalled('telegraf', env)
    this.#telegraf = telegraf ? new SupervisordClient(env.SUPERVISOR_SERVER_URL ?? '') : undefined
    this.#endpoint = endpointOf(config.annotations, logger)
  }

  /** The part of the setup step: writes telegraf.conf, and has telegraf go by it. */
  async prepare(): Promise<void> {
    if (this.#endpoint === undefined) return
    const { dataFolder } = this.#deps.config
    const variables = {
      endpoint: this.#endpoint,
      tags: this.#tags,
      statsSocket: haproxyPaths(dataFolder).runtimeSocket
    }
    const text = renderTelegrafConf(readFileSync(TEMPLATE, 'utf8'), variables, renderTemplate)
    await writeFileAtomic(join(dataFolder, 'telegraf.conf'), `${text}\n`)
    if (this.#telegraf !== undefined) await startTelegraf(this.#telegraf)
  }

  start(): void {
    this.#started = true
    this.#openRelay()
  }

  /** Annotations of the pod that were edited while it runs. */
  async replaceAnnotations(annotations: Readonly<Record<string, string>>): Promise<void> {
    const endpoint = endpointOf(annotations, this.#deps.logger)
    if (isDeepStrictEqual(endpoint, this.#endpoint)) return
    const former = this.#relay
    this.#endpoint = endpoint
    this.#openRelay()
    await former?.stop()
    if (endpoint !== undefined) await this.prepare()
    else if (this.#telegraf !== undefined) await stopTelegraf(this.#telegraf)
  }

  async stop(): Promise<void> {
    this.#started = false
    await this.#relay?.stop()
  }

  #openRelay(): void {
    const wanted = this.#started && this.#telegraf === undefined ? this.#endpoint : undefined
    this.#relay = wanted && createStatisticsRelay(this.#deps, wanted, this.#tags)
    this.#relay?.start()
  }
}

/** A wrong annotation is told, and keeps nothing else from working. */
function endpointOf(annotations: Readonly<Record<string, string>>, logger: Logger): OpentsdbEndpoint | undefined {
  const annotation = annotations[ANNOTATION]
  if (annotation === undefined) return undefined
  try {
    return parseOpentsdbEndpoint(annotation)
  } catch (error) {
    logger.error({ reason: messageOf(error), hint: findKontrolError(error)?.hint }, 'statistics are not sent')
    return undefined
  }
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
