import { SECTION_KINDS, splitWords } from './config-parser.ts'
import { NO_TRAITS, obstacleOf, withLine, type ProxyTraits } from './proxy-traits.ts'
import { readServerLine, type ServerLine } from './server-line.ts'

/** Servers of one backend that inherit the same `default-server` options. */
export interface Pool {
  id: string
  backend: string
  inherited: readonly string[]
  servers: ServerLine[]
}

/** A section without its servers. */
export interface SectionImage {
  /** Unique: `backend web`, `backend web (2)`. */
  title: string
  /** All that its lines say, blanks and comments aside. */
  said: string
}

/** A configuration as a change of its servers sees it: a frame, and the servers in it. */
export interface ConfigImage {
  sections: readonly SectionImage[]
  pools: ReadonlyMap<string, Pool>
  /** By backend, why its servers can only be changed by a reload. */
  obstacles: ReadonlyMap<string, string>
  /** Backends in which a draining server may still get new requests. */
  sticky: ReadonlySet<string>
  /** Why no server of this text can be changed but by a reload. */
  obstacle: string | undefined
}

/** One line, with what it says as a key for comparing. */
interface Line {
  words: readonly string[]
  said: string
  server: ServerLine | undefined
}

/** Cached lines beyond those of a text, before the cache is begun anew. */
const SPARE_LINES = 20_000

/** Reads configurations, of which one is mostly like the one before: a line is taken apart only once. */
export class ImageReader {
  #lines = new Map<string, Line>()

  read(text: string): ConfigImage {
    const rawLines = text.split('\n')
    if (this.#lines.size > rawLines.length + SPARE_LINES) this.#lines = new Map()
    const builder = new ImageBuilder()
    for (const raw of rawLines) builder.take(this.#line(raw))
    return builder.image()
  }

  #line(raw: string): Line {
    const known = this.#lines.get(raw)
    if (known !== undefined) return known
    const words = splitWords(raw)
    const server = words[0] === 'server' && words.length > 2 ? readServerLine(words) : undefined
    // Quotes and escapes may hold variables, which only HAProxy can tell.
    if (server !== undefined && /["'\\$]/.test(raw)) server.obstacle ??= 'a quoted word'
    const line = { words, said: words.join('\0'), server }
    this.#lines.set(raw, line)
    return line
  }
}

const NAMED_SERVER = /\bsrv_(?:conn|conn_free|is_up|iweight|queue|sess_rate|uweight|weight)\b/

class ImageBuilder {
  readonly #sections: { title: string; said: string[] }[] = []
  readonly #titles = new Set<string>()
  readonly #pools = new Map<string, Pool>()
  readonly #obstacles = new Map<string, string>()
  readonly #sticky = new Set<string>()
  readonly #named = new Map<string, ProxyTraits>()
  #obstacle: string | undefined
  #inForce = NO_TRAITS
  #kind = ''
  #name = ''
  #traits = NO_TRAITS
  #pool: Pool | undefined
  #serverNames = new Set<string>()

  take(line: Line): void {
    if (line.server !== undefined && this.#holdsServers()) this.#takeServer(line.server)
    else if (line.words.length > 0) this.#takeLine(line)
  }

  image(): ConfigImage {
    this.#endSection()
    return {
      sections: this.#sections.map(({ title, said }) => ({ title, said: said.join('\n') })),
      pools: this.#pools,
      obstacles: this.#obstacles,
      sticky: this.#sticky,
      obstacle: this.#obstacle
    }
  }

  #holdsServers(): boolean {
    return this.#kind === 'backend' || this.#kind === 'listen'
  }

  #takeServer(server: ServerLine): void {
    if (this.#serverNames.has(server.name)) this.#traits = { ...this.#traits, obstacle: 'a server name used twice' }
    this.#serverNames.add(server.name)
    if (this.#obstacle === undefined && server.options.includes('track ')) this.#obstacle = '"track" names servers'
    this.#currentPool().servers.push(server)
  }

  #currentPool(): Pool {
    if (this.#pool !== undefined) return this.#pool
    const inherited = this.#traits.defaultServer
    const id = `${this.#name}\0${inherited.join(' ')}`
    this.#pool = this.#pools.get(id) ?? { id, backend: this.#name, inherited, servers: [] }
    this.#pools.set(id, this.#pool)
    return this.#pool
  }

  #takeLine({ words, said }: Line): void {
    const [keyword = ''] = words
    if (SECTION_KINDS.has(keyword)) this.#beginSection(words, said)
    else this.#sections.at(-1)?.said.push(said)
    if (keyword.startsWith('.')) this.#obstacle = `"${keyword}"`
    if (NAMED_SERVER.test(said)) this.#obstacle = 'an expression that names servers'
    if (!SECTION_KINDS.has(keyword)) this.#traits = withLine(this.#traits, words)
    if (keyword === 'default-server') this.#pool = undefined
  }

  #beginSection([kind = '', name = '', from, base = '']: readonly string[], said: string): void {
    this.#endSection()
    this.#kind = kind
    this.#name = name
    this.#sections.push({ title: this.#uniqueTitle(kind, name), said: [said] })
    this.#pool = undefined
    this.#serverNames = new Set()
    this.#traits = kind === 'defaults' ? NO_TRAITS : this.#inForce
    if (from === undefined) return
    const parent = from === 'from' ? this.#named.get(base) : undefined
    this.#traits = parent ?? { ...NO_TRAITS, obstacle: `"${kind} ${name} ${from}"` }
  }

  #endSection(): void {
    if (this.#kind === 'defaults') {
      this.#inForce = this.#traits
      this.#named.set(this.#name, this.#traits)
    }
    if (!this.#holdsServers()) return
    const obstacle = obstacleOf(this.#traits)
    if (obstacle !== undefined) this.#obstacles.set(this.#name, obstacle)
    if (this.#traits.sticky) this.#sticky.add(this.#name)
  }

  #uniqueTitle(kind: string, name: string): string {
    const title = name === '' ? kind : `${kind} ${name}`
    let unique = title
    for (let count = 2; this.#titles.has(unique); count++) unique = `${title} (${count})`
    if (unique !== title && (kind === 'backend' || kind === 'listen')) this.#obstacle = `"${title}" stands twice`
    this.#titles.add(unique)
    return unique
  }
}
