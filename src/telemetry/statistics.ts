import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { findKontrolError, messageOf } from '../errors.ts'
import { TaskQueue } from '../platform/queue.ts'
import { writeFileAtomic } from '../platform/files/atomic-file.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { SupervisordClient } from '../platform/process/supervisord-client.ts'
import { globalTags } from './global-tags.ts'
import { parseOpentsdbEndpoint, type OpentsdbEndpoint } from './opentsdb-endpoint.ts'
import { infoSamples, statSamples } from './haproxy-samples.ts'
import type { Metrics } from './metrics.ts'
import { OpentsdbRelay } from './opentsdb.ts'
import type { Sample } from './sample.ts'
import { renderTelegrafConf, startTelegraf, stopTelegraf } from './telegraf.ts'

export interface StatisticsDeps {
  config: {
    readonly id: string
    readonly dataFolder: string
    readonly supervisor: 'child' | 'supervisord'
    readonly annotations: Readonly<Record<string, string>>
    readonly labels: Readonly<Record<string, string>>
    readonly nodeLabels: Readonly<Record<string, string>>
  }
  env: NodeJS.ProcessEnv
  /** Where telegraf, or we, ask HAProxy for its figures. */
  haproxy: { readonly socket: string; ask(command: string): Promise<string> }
  metrics: Metrics
  clock: Clock
  logger: Logger
}

const ANNOTATION = 'kontrol.unity3d.com/opentsdb'
const TEMPLATE = new URL('../../lifecycle/telegraf.conf.njk', import.meta.url)

/** What the annotation wants. Nothing is begun or ended for one that cannot be read. */
type Wish = OpentsdbEndpoint | 'none' | 'unreadable'

/** Who sends figures to the endpoint of the annotation: telegraf where it is installed and supervised, else we do. */
export class Statistics {
  readonly #deps: StatisticsDeps
  readonly #tags: Record<string, string>
  /** Where telegraf is to do it. */
  readonly #telegraf: SupervisordClient | undefined
  /** Edits, and the setup step, one after another. */
  readonly #queue = new TaskQueue()
  #wish: Wish
  /** Whether telegraf goes by the wish; what failed is tried again with the next edit. */
  #prepared = false
  #relay: OpentsdbRelay | undefined
  #started = false

  constructor(deps: StatisticsDeps) {
    const { config, env, logger } = deps
    this.#deps = deps
    this.#tags = globalTags(config.nodeLabels, config.labels)
    const telegraf = config.supervisor === 'supervisord' && isInstalled('telegraf', env)
    this.#telegraf = telegraf ? new SupervisordClient(env.SUPERVISOR_SERVER_URL ?? '') : undefined
    this.#wish = readWish(config.annotations, logger)
  }

  /** The part of the setup step: writes telegraf.conf, and has telegraf go by it. */
  prepare(): Promise<void> {
    return this.#queue.enqueue(() => this.#prepare())
  }

  start(): void {
    this.#started = true
    this.#openRelay()
  }

  /** Annotations of the pod that were edited while it runs. */
  replaceAnnotations(annotations: Readonly<Record<string, string>>): Promise<void> {
    return this.#queue.enqueue(async () => {
      const wish = readWish(annotations, this.#deps.logger)
      if (wish === 'unreadable') return
      if (!isDeepStrictEqual(wish, this.#wish)) this.#turnTo(wish)
      if (!this.#prepared) await this.#prepare()
    })
  }

  async stop(): Promise<void> {
    this.#started = false
    await this.#relay?.stop()
  }

  #turnTo(wish: Wish): void {
    // Its last words may take long, and nobody waits for them.
    this.#relay?.stop().catch((error: unknown) => {
      this.#deps.logger.debug({ reason: messageOf(error) }, 'statistics not sent to their end')
    })
    this.#wish = wish
    this.#prepared = false
    this.#openRelay()
  }

  #openRelay(): void {
    this.#relay =
      this.#started && this.#telegraf === undefined && typeof this.#wish === 'object'
        ? createRelay(this.#deps, this.#wish, { host: this.#deps.config.id, ...this.#tags })
        : undefined
    this.#relay?.start()
  }

  async #prepare(): Promise<void> {
    if (this.#wish === 'unreadable') return
    if (this.#wish === 'none') {
      // One that outlived us knows nothing of an annotation that was removed meanwhile.
      if (this.#telegraf !== undefined) await stopTelegraf(this.#telegraf)
    } else {
      await this.#writeConf(this.#wish)
      if (this.#telegraf !== undefined) await startTelegraf(this.#telegraf)
    }
    this.#prepared = true
  }

  async #writeConf(endpoint: OpentsdbEndpoint): Promise<void> {
    const { config, haproxy } = this.#deps
    const variables = { endpoint, tags: this.#tags, statsSocket: haproxy.socket }
    const text = renderTelegrafConf(readFileSync(TEMPLATE, 'utf8'), variables, await loadJinja())
    await writeFileAtomic(join(config.dataFolder, 'telegraf.conf'), `${text}\n`)
  }
}

/** The relay that sends the figures of HAProxy, and those of our own. */
function createRelay(
  { haproxy, clock, logger, metrics }: StatisticsDeps,
  endpoint: OpentsdbEndpoint,
  tags: Readonly<Record<string, string>>
): OpentsdbRelay {
  let told = false
  const tell = (serversLeftOut: number): void => {
    if (told || serversLeftOut === 0) return
    told = true
    logger.warn({ servers: serversLeftOut }, 'statistics leave out single servers')
  }
  const collect = async (): Promise<Sample[]> => {
    const at = clock.now()
    const own = metrics.samples(at)
    const [info, stat] = await Promise.all([haproxy.ask('show info'), haproxy.ask('show stat')]).catch(() => {
      // HAProxy is away, which the figures of our own tell.
      return ['', '']
    })
    const { samples, serversLeftOut } = await statSamples(stat ?? '', at)
    tell(serversLeftOut)
    return [...(await own), ...infoSamples(info ?? '', at), ...samples]
  }
  return new OpentsdbRelay({ ...endpoint, tags, collect, clock, logger })
}

/** A wrong annotation is told, and keeps nothing else from working. */
function readWish(annotations: Readonly<Record<string, string>>, logger: Logger): Wish {
  const annotation = annotations[ANNOTATION]
  if (annotation === undefined) return 'none'
  try {
    return parseOpentsdbEndpoint(annotation)
  } catch (error) {
    logger.error({ reason: messageOf(error), hint: findKontrolError(error)?.hint }, 'statistics annotation ignored')
    return 'unreadable'
  }
}

/** Loaded when needed: nothing else in this process renders a template. */
async function loadJinja() {
  const { JinjaTemplate } = await import('../jinja/template.ts')
  const { fromData } = await import('../jinja/values/from-data.ts')
  return (template: string, variables: Readonly<Record<string, unknown>>): string => {
    const entries = Object.entries(variables).map(([name, data]) => [name, () => fromData(data)] as const)
    return new JinjaTemplate(template).render(new Map(entries))
  }
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
