import { Conditions } from './conditions.ts'
import { betweenSteps, eachInTurns } from '../../platform/turns.ts'
import { KnownLines } from './known-lines.ts'
import { readLine, SECTION_KINDS, splitWords, type ConfigLine } from './parser.ts'
import { NO_SETTINGS, blockerOf, ringOf, withLine, type BackendSettings, type Ring } from './backend-settings.ts'
import { ServerLineReader, type ServerLine } from './server-line.ts'
import { ServerOrder } from './server-order.ts'

/** Servers of one backend that inherit the same `default-server` options. */
export interface Pool {
  id: string
  backend: string
  inherited: readonly string[]
  servers: ServerLine[]
}

const poolId = (backend: string, inherited: readonly string[]): string => `${backend}\0${inherited.join(' ')}`

/** The pool that an id stands for. */
export function poolOf(id: string, servers: ServerLine[]): Pool {
  const [backend = '', inherited = ''] = id.split('\0')
  return { id, backend, inherited: inherited === '' ? [] : inherited.split(' '), servers }
}

/** A section without its servers. */
interface Section {
  /** `global`, `defaults`, `frontend`, `backend`, `listen`, `peers` … */
  kind: string
  /** Unique: `backend web`, `backend web (2)`. */
  title: string
  /** Of its first line, counted from 1. */
  number: number
  /** Those behind the first. */
  lines: readonly ConfigLine[]
  /** All that its lines say, blanks and comments aside, as a key for comparing. */
  text: string
}

/** A configuration as a change of its servers sees it: the skeleton, and the servers in it. */
export interface ConfigModel {
  sections: readonly Section[]
  pools: ReadonlyMap<string, Pool>
  /** By backend, why its servers can only be changed by a reload. */
  blockers: ReadonlyMap<string, string>
  /** Backends in which a draining server may still get new requests. */
  sticky: ReadonlySet<string>
  /** Backends that go by the numbers of their servers. */
  rings: ReadonlyMap<string, Ring>
  /** By backend, names of servers that its lines go by. */
  named: ReadonlyMap<string, readonly string[]>
  /** Backends whose cookies are made of the addresses of their servers. */
  dynamicCookies: ReadonlySet<string>
  /** By backend, names of servers within an `.if`: HAProxy may have them. */
  conditional: ReadonlyMap<string, ReadonlySet<string>>
  /** By backend, its servers in their order. */
  order: ReadonlyMap<string, ServerOrder>
  /** Why no server of this text can be changed but by a reload. */
  blocker: string | undefined
}

/** One line of a file. */
type Line = { server: ServerLine; raw: string } | SkeletonLine

interface SkeletonLine {
  server?: undefined
  words: readonly string[]
  /** The words as a key for comparing. */
  text: string
}

/** Reads configurations, of which one is mostly like the one before: only what is new is taken apart. */
export class ConfigReader {
  readonly #servers = new ServerLineReader()
  readonly #lines = new KnownLines((raw): Line => {
    const server = this.#servers.read(raw)
    return server === undefined ? skeletonLine(raw) : { server, raw }
  })
  #last = { text: '', model: new ModelBuilder().model() }

  async read(text: string): Promise<ConfigModel> {
    if (text === this.#last.text) return this.#last.model
    const { lines } = await this.#lines.changeTo(text)
    const builder = new ModelBuilder()
    await eachInTurns(lines, (line) => builder.take(line))
    await betweenSteps(text)
    const model = builder.model()
    this.#last = { text, model }
    await betweenSteps(text)
    return model
  }
}

/** What HAProxy would have to take apart is compared as it is written. */
function skeletonLine(raw: string): SkeletonLine {
  const words = splitWords(raw)
  return { words, text: readLine(raw).plain ? words.join(' ') : words.length === 0 ? '' : raw.trim() }
}

/** Fetches that take the name of a server, or give it. */
const NAMED_SERVER = /\bsrv_(?:conn|conn_free|is_up|iweight|queue|sess_rate|uweight|weight|name|id)\b/
/** `%s` and `%si` and `%sp` of a log format, where it goes to clients or pods and not to a log. */
const NAMED_BY_RULE = /^(?:http-|tcp-|unique-id-).*%(?:\[[^\]]*\])?(?:\{[^}]*\})?si?\b/

const PREAMBLE = 'what stands before the first section'

/** Lines that decide how servers are changed. */
const DECISIVE = new Set([
  ...['server', 'default-server', 'balance', 'hash-type', 'mode', 'option', 'stick', 'persist', 'cookie', 'disabled'],
  ...['dispatch', 'dynamic-cookie-key', 'force-persist', 'http-send-name-header', 'server-template', 'use-server']
])
const WITHIN_IF = '".if"'
const SECTION_WITHIN_IF = 'a section within ".if"'

class ModelBuilder {
  readonly #sections: (Omit<Section, 'text'> & { lines: ConfigLine[]; text: string[] })[] = []
  readonly #titles = new Map<string, number>()
  readonly #pools = new Map<string, Pool>()
  readonly #blockers = new Map<string, string>()
  readonly #sticky = new Set<string>()
  readonly #namedDefaults = new Map<string, BackendSettings>()
  readonly #rings = new Map<string, Ring>()
  readonly #order = new Map<string, ServerOrder>()
  readonly #namedServers = new Map<string, readonly string[]>()
  readonly #dynamicCookies = new Set<string>()
  readonly #conditional = new Map<string, Set<string>>()
  readonly #conditions = new Conditions()
  #blocker: string | undefined
  #defaults = NO_SETTINGS
  #kind = ''
  #name = ''
  #settings = NO_SETTINGS
  #pool: Pool | undefined
  #servers: ServerOrder | undefined
  /** Of the line that is taken. */
  #number = 0

  take(line: Line): void {
    this.#number++
    if (line.server === undefined) return this.#takeLine(line)
    if (this.#holdsServers() && !this.#conditions.open) return this.#takeServer(line.server)
    this.#takeLine(skeletonLine(line.raw))
    if (this.#holdsServers()) this.#takeConditional(line.server)
  }

  model(): ConfigModel {
    this.#endSection()
    return {
      sections: this.#sections.map((section) => ({ ...section, text: section.text.join('\n') })),
      pools: this.#pools,
      blockers: this.#blockers,
      sticky: this.#sticky,
      rings: this.#rings,
      named: this.#namedServers,
      dynamicCookies: this.#dynamicCookies,
      conditional: this.#conditional,
      order: this.#order,
      blocker: this.#blocker
    }
  }

  #holdsServers(): boolean {
    return this.#kind === 'backend' || this.#kind === 'listen'
  }

  /** Whether HAProxy has it is decided once, when it begins: others come and go beside it, under other names. */
  #takeConditional(server: ServerLine): void {
    this.#noteTrack(server)
    if (server.blocker !== undefined) this.#settings = { ...this.#settings, blocker: WITHIN_IF }
    const names = this.#conditional.get(this.#name) ?? new Set()
    this.#conditional.set(this.#name, names.add(server.name))
  }

  #noteTrack({ blocker, target }: ServerLine): void {
    // Ten thousand targets are not looked at for what none of them has.
    if (blocker !== undefined && target.tracks) this.#blocker ??= '"track" names servers'
  }

  #takeServer(server: ServerLine): void {
    this.#noteTrack(server)
    this.#noteOver()
    const pool = this.#currentPool()
    pool.servers.push(server)
    this.#currentOrder().push(server, pool.id)
  }

  #currentOrder(): ServerOrder {
    if (this.#servers !== undefined) return this.#servers
    this.#servers = this.#order.get(this.#name) ?? new ServerOrder()
    this.#order.set(this.#name, this.#servers)
    return this.#servers
  }

  #currentPool(): Pool {
    if (this.#pool !== undefined) return this.#pool
    const inherited = this.#settings.defaultServer
    const id = poolId(this.#name, inherited)
    this.#pool = this.#pools.get(id) ?? { id, backend: this.#name, inherited, servers: [] }
    this.#pools.set(id, this.#pool)
    return this.#pool
  }

  #takeLine({ words, text }: SkeletonLine): void {
    const [keyword] = words
    if (keyword === undefined) return
    if (keyword.startsWith('.')) this.#conditions.takeDirective(keyword)
    else if (!SECTION_KINDS.has(keyword)) this.#noteOver()
    if (SECTION_KINDS.has(keyword)) this.#beginSection(words, text)
    else this.#takeSetting(words, text)
    if (NAMED_SERVER.test(text) || NAMED_BY_RULE.test(text)) this.#blocker = 'an expression that names servers'
    if (keyword === 'default-server') this.#pool = undefined
  }

  #noteOver(): void {
    if (this.#conditions.over) this.#blocker = SECTION_WITHIN_IF
  }

  #takeSetting(words: readonly string[], text: string): void {
    if (this.#sections.length === 0) this.#sections.push({ kind: '', title: PREAMBLE, number: 1, lines: [], text: [] })
    const section = this.#sections.at(-1)
    section?.lines.push({ number: this.#number, words })
    section?.text.push(text)
    this.#settings = withLine(this.#settings, words)
    const [keyword = ''] = words
    if (this.#conditions.open && keyword !== 'server' && DECISIVE.has(keyword)) {
      this.#settings = { ...this.#settings, blocker: WITHIN_IF }
    }
  }

  #beginSection([kind = '', name = '', from, base = '']: readonly string[], text: string): void {
    this.#endSection()
    // Only HAProxy knows whether those behind it have these `defaults`.
    if (this.#conditions.open && kind === 'defaults') this.#blocker = SECTION_WITHIN_IF
    this.#conditions.beginSection()
    this.#kind = kind
    this.#name = name
    this.#sections.push({ kind, title: this.#uniqueTitle(kind, name), number: this.#number, lines: [], text: [text] })
    this.#pool = undefined
    this.#servers = undefined
    this.#settings = kind === 'defaults' ? NO_SETTINGS : this.#defaults
    if (from === undefined) return
    const parent = from === 'from' ? this.#namedDefaults.get(base) : undefined
    this.#settings = parent ?? { ...NO_SETTINGS, blocker: `"${kind} ${name} ${from}"` }
  }

  #endSection(): void {
    if (this.#kind === 'defaults') {
      this.#defaults = this.#settings
      this.#namedDefaults.set(this.#name, this.#settings)
    }
    if (!this.#holdsServers()) return
    const ring = ringOf(this.#settings)
    // A server that may be there has a number that may be taken.
    const unsure = ring !== undefined && this.#conditional.has(this.#name)
    const blocker = blockerOf(this.#settings) ?? (unsure ? WITHIN_IF : undefined)
    if (blocker !== undefined) this.#blockers.set(this.#name, blocker)
    if (this.#settings.sticky) this.#sticky.add(this.#name)
    if (this.#settings.named.length > 0) this.#namedServers.set(this.#name, this.#settings.named)
    if (this.#settings.dynamicCookie) this.#dynamicCookies.add(this.#name)
    this.#rings.set(this.#name, ring)
  }

  #uniqueTitle(kind: string, name: string): string {
    const title = name === '' ? kind : `${kind} ${name}`
    const count = (this.#titles.get(title) ?? 0) + 1
    this.#titles.set(title, count)
    if (count === 1) return title
    if (kind === 'backend' || kind === 'listen') this.#blocker = `"${title}" stands twice`
    return `${title} (${count})`
  }
}
