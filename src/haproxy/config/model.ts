import { changedLines } from './text-changes.ts'
import { SECTION_KINDS, splitWords } from './parser.ts'
import { NO_TRAITS, obstacleOf, withLine, type ProxyTraits } from './backend-settings.ts'
import { ServerLineReader, type ServerLine } from './server-line.ts'

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

/** One line of a file. */
type Line = { server: ServerLine; raw: string } | FrameLine

interface FrameLine {
  server?: undefined
  words: readonly string[]
  /** The words as a key for comparing. */
  said: string
}

/** Reads configurations, of which one is mostly like the one before: only what is new is taken apart. */
export class ImageReader {
  readonly #servers = new ServerLineReader()
  #text = ''
  #lines: readonly Line[] = [frameLine('')]

  read(text: string): ConfigImage {
    const { head, before, after } = changedLines(this.#text, text)
    const known = new Map(before.map((line, index) => [line, this.#lines[head + index]]))
    const lines = this.#lines.slice(0, head).concat(
      after.map((line) => known.get(line) ?? this.#read(line)),
      this.#lines.slice(head + before.length)
    )
    this.#text = text
    this.#lines = lines
    const builder = new ImageBuilder()
    for (const line of lines) builder.take(line)
    return builder.image()
  }

  #read(raw: string): Line {
    const server = this.#servers.read(raw)
    return server === undefined ? frameLine(raw) : { server, raw }
  }
}

function frameLine(raw: string): FrameLine {
  const words = splitWords(raw)
  return { words, said: words.join('\0') }
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

  take(line: Line): void {
    if (line.server === undefined) this.#takeLine(line)
    else if (this.#holdsServers()) this.#takeServer(line.server)
    else this.#takeLine(frameLine(line.raw))
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
    // Ten thousand targets are not looked at for what none of them has.
    if (server.obstacle !== undefined && server.target.tracks) this.#obstacle ??= '"track" names servers'
    this.#currentPool().servers.push(server)
  }

  #currentPool(): Pool {
    if (this.#pool !== undefined) return this.#pool
    const inherited = this.#traits.defaultServer
    const id = poolId(this.#name, inherited)
    this.#pool = this.#pools.get(id) ?? { id, backend: this.#name, inherited, servers: [] }
    this.#pools.set(id, this.#pool)
    return this.#pool
  }

  #takeLine({ words, said }: FrameLine): void {
    const [keyword] = words
    if (keyword === undefined) return
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
