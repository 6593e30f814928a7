import type { Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import { Listeners } from '../platform/listeners.ts'
import type { Logger } from '../platform/logger.ts'
import { Poller } from '../platform/poller.ts'
import type { ConfigModel } from './config/model.ts'
import type { ConfigLine } from './config/parser.ts'
import type { Known } from './known.ts'
import type { RuntimeApi } from './socket/runtime-api.ts'

export interface BackendsOptions {
  known: Pick<Known, 'loaded'>
  runtime: RuntimeApi
  clock: Clock
  logger: Logger
}

/** A backend from which clients got something and now get nothing, or the other way round. */
export interface BackendEvent {
  backend: string
  usable: boolean
}

const POLL_MS = 2_000
const MOST_NAMED = 10

/** Backends that clients are sent to and that have no server to give them to. */
export class Backends {
  readonly #options: BackendsOptions
  readonly #poller: Poller
  readonly #listeners: Listeners<BackendEvent>
  #unusable: readonly string[] = []
  /** Of the model looked at last: those that should have servers. */
  #wanting: { model: ConfigModel; names: ReadonlySet<string> } | undefined

  constructor(options: BackendsOptions) {
    const { clock, logger } = options
    this.#options = options
    this.#listeners = new Listeners('backend', logger)
    this.#poller = new Poller({
      clock,
      intervalMs: POLL_MS,
      poll: () => this.#poll(),
      // HAProxy is away, or between two workers: that is told elsewhere.
      onError: (err) => logger.debug({ err }, 'backends not looked at')
    })
  }

  start(): void {
    this.#poller.start()
  }

  close(): void {
    void this.#poller.stop()
  }

  /** Their names, as of a moment ago. */
  get unusable(): readonly string[] {
    return this.#unusable
  }

  subscribe(listener: (event: BackendEvent) => void): void {
    this.#listeners.subscribe(listener)
  }

  /** In words, when there are any. */
  finding(): Problem | undefined {
    const names = this.#unusable
    if (names.length === 0) return undefined
    const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''
    const [backends, have] = names.length === 1 ? ['The backend', 'has'] : ['The backends', 'have']
    const message = `${backends} ${names.slice(0, MOST_NAMED).join(', ')}${more} ${have} no server that takes requests`
    const hint =
      'See their servers by "kontrol servers" (GET /api/v1/haproxy), and their pods by "kontrol pods" (GET /api/v1/pods).'
    return { code: 'KTL_HAPROXY_BACKEND_DOWN', message, hint }
  }

  async #poll(): Promise<void> {
    const { known, runtime } = this.#options
    const { loaded } = known
    if (loaded === undefined) return
    const proxies = await runtime.backends(loaded.worker)
    const wanting = this.#wantingOf(loaded.model)
    const unusable = proxies.filter(({ name, backend }) => backend?.usableServers === 0 && wanting.has(name))
    this.#tell(unusable.map(({ name }) => name).sort())
  }

  #wantingOf(model: ConfigModel): ReadonlySet<string> {
    if (this.#wanting?.model !== model) this.#wanting = { model, names: new Set(wantingServers(model)) }
    return this.#wanting.names
  }

  #tell(unusable: readonly string[]): void {
    const { logger } = this.#options
    const [before, now] = [new Set(this.#unusable), new Set(unusable)]
    this.#unusable = unusable
    for (const backend of unusable) if (!before.has(backend)) this.#listeners.emit({ backend, usable: false })
    for (const backend of before) if (!now.has(backend)) this.#listeners.emit({ backend, usable: true })
    const fallen = unusable.filter((backend) => !before.has(backend))
    if (fallen.length > 0) logger.warn({ backends: fallen.slice(0, MOST_NAMED) }, 'backends without a usable server')
  }
}

/** Lines by which HAProxy itself answers, or finds the server elsewhere. */
const ANSWERS =
  /^(?:http-request (?:return|redirect|deny|reject|tarpit|auth|use-service|set-dst|do-resolve)|redirect|dispatch|stats (?:enable|uri)|server-template|tcp-request content use-service|option http_proxy|errorfile)\b/
/** Lines that make sense with servers only: a section without them may hold a stick table, and nothing else. */
const BALANCES = /^(?:balance|default-server|option (?:httpchk|tcp-check)|http-check|hash-type)\b/

/** Those that have servers, and those without one to which clients are sent all the same. */
function wantingServers({ sections, order }: ConfigModel): string[] {
  const targets = new Set(
    sections.flatMap(({ lines }) =>
      lines.flatMap(({ words: [keyword, name = ''] }) =>
        keyword === 'default_backend' || keyword === 'use_backend' ? [name] : []
      )
    )
  )
  return sections.flatMap(({ kind, title, lines }) => {
    if (kind !== 'backend' && kind !== 'listen') return []
    const name = title.slice(kind.length + 1)
    const sent = kind === 'listen' || targets.has(name)
    return (order.get(name)?.servers.length ?? 0) > 0 || lacksServers(lines, sent) ? [name] : []
  })
}

/** @param sent whether the text sends clients there by name */
function lacksServers(lines: readonly ConfigLine[], sent: boolean): boolean {
  const texts = lines.map(({ words }) => words.join(' '))
  return !texts.some((text) => ANSWERS.test(text)) && (sent || texts.some((text) => BALANCES.test(text)))
}
