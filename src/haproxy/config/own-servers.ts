import { isIP } from 'node:net'
import { unmapped } from '../../model/host-address.ts'
import { canonicalIp } from '../../model/ip.ts'
import { TaskQueue } from '../../platform/queue.ts'
import { eachInTurns } from '../../platform/turns.ts'
import { KnownLines } from './known-lines.ts'
import { splitWords } from './parser.ts'

/** A line by which HAProxy would connect to itself, or to its control tier. */
export interface OwnServer {
  /** As the line has it, without what says which kind of address it is. */
  readonly target: string
  /** As HAProxy reads it from there, in canonical spelling. */
  readonly address: string
}

/** One address on which HAProxy listens. */
interface Bind {
  /** Undefined for all addresses of the machine, and for one that only HAProxy can tell. */
  readonly address: string | undefined
  readonly from: number
  readonly to: number
}

const BIND = /^[ \t]*bind[ \t].*$/gm
/** One whose words are not plain is split as HAProxy does it. */
const SERVER = /^[ \t]*server(-template[ \t]+\S+)?[ \t]+\S+[ \t]+(\S+).*$/gm
const QUOTED = /['"\\]/
/** What is before an address to say which kind it is; other kinds are no TCP. */
const FAMILY = /^(?:stream\+)?(?:ipv4|ipv6|(?:mp)?tcp[46]?)@/
const OTHER_KIND = /^(?:\/|[a-z0-9+]+@)/

/** What a line says of where HAProxy listens, or connects to. */
interface Told {
  readonly binds: readonly Bind[]
  readonly servers: readonly Server[]
}

interface Server extends OwnServer {
  readonly port: Port | undefined
}

/** Of a server: itself, or counted from the port that the client came to. */
interface Port {
  readonly number: number
  readonly isOffset: boolean
}

const NOTHING: Told = { binds: [], servers: [] }

/** Things of which some are there several times. */
class Bag<T> {
  readonly #counts = new Map<T, number>()

  /** @param by -1 takes one out */
  add(item: T, by: 1 | -1): void {
    const count = (this.#counts.get(item) ?? 0) + by
    if (count === 0) this.#counts.delete(item)
    else this.#counts.set(item, count)
  }

  entries(): Iterable<[T, number]> {
    return this.#counts
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0
  }
}

/**
 * Finds the `server` lines by which HAProxy would connect to itself: to an address that it listens on, as the same text
 * says; or to its control tier, which would take its clients for those who are on this machine.
 *
 * One text is mostly like the one before: what is known of it is changed by the lines that went and came.
 */
export class OwnServers {
  readonly #control: Bind
  readonly #lines = new KnownLines(read)
  /** One text after the other. */
  readonly #queue = new TaskQueue()
  readonly #binds = new Bag<Bind>()
  /** By their port, which most have in common; undefined for those without one, and for those that go by the client's. */
  readonly #servers = new Map<number | undefined, Bag<Server>>()

  /** @param controlPort where the control tier listens, on all addresses */
  constructor(controlPort: number) {
    this.#control = { address: undefined, from: controlPort, to: controlPort }
  }

  /**
   * Each as often as it is there, in no order.
   *
   * @param isOwn whether connections to an address in canonical spelling come to this HAProxy, or to one like it
   */
  async of(text: string, isOwn: (address: string) => boolean): Promise<OwnServer[]> {
    return await this.#queue.enqueue(async () => {
      const { went, came } = await this.#lines.changeTo(text)
      await eachInTurns(came, (told) => this.#count(told, 1))
      await eachInTurns(went, (told) => this.#count(told, -1))
      return await this.#found(isOwn)
    })
  }

  #count({ binds, servers }: Told, by: 1 | -1): void {
    for (const bind of binds) this.#binds.add(bind, by)
    for (const server of servers) {
      const number = server.port?.isOffset === false ? server.port.number : undefined
      const alike = this.#servers.get(number) ?? new Bag()
      alike.add(server, by)
      if (alike.isEmpty) this.#servers.delete(number)
      else this.#servers.set(number, alike)
    }
  }

  async #found(isOwn: (address: string) => boolean): Promise<OwnServer[]> {
    const binds = Array.from(this.#binds.entries(), ([bind]) => bind)
    const bindsAndControl = [...binds, this.#control]
    // The port first: nothing listens where most texts have their servers, and whether an address is our own may take a
    // look at the machine.
    const reachable: Bag<Server>[] = []
    await eachInTurns(this.#servers, ([number, servers]) => {
      if (number === undefined || bindsAndControl.some(({ from, to }) => number >= from && number <= to))
        reachable.push(servers)
    })
    const found: OwnServer[] = []
    await eachInTurns(allOf(reachable), ([{ target, address, port }, count]) => {
      const reached = port === undefined ? binds : bindsAndControl
      if (!reached.some((bind) => listensOn(bind, port, binds) && isAt(bind, address, isOwn))) return
      for (let times = 0; times < count; times++) found.push({ target, address })
    })
    return found
  }
}

function* allOf<T>(bags: readonly Bag<T>[]): Generator<[T, number]> {
  for (const bag of bags) yield* bag.entries()
}

/** Most lines are one or the other; a CR begins one as well, to be sure. */
function read(line: string): Told {
  const binds = Array.from(line.matchAll(BIND), ([bind]) => bindsOf(splitWords(bind)[1] ?? '')).flat()
  const servers = Array.from(line.matchAll(SERVER), serverOf).filter((server) => server !== undefined)
  return binds.length === 0 && servers.length === 0 ? NOTHING : { binds, servers }
}

function serverOf(match: RegExpExecArray): Server | undefined {
  const target = targetOf(match)
  const { address: name, port } = partsOf(target)
  const address = readAddress(name)
  return address === undefined ? undefined : { target, address, port: portOf(port) }
}

/** No address at all is the one that the client came to. */
function isAt(bind: Bind, address: string, isOwn: (address: string) => boolean): boolean {
  return bind.address === undefined ? isAny(address) || isOwn(address) : bind.address === address
}

function targetOf([line, template, word = '']: RegExpExecArray): string {
  const written = QUOTED.test(line) ? (splitWords(line)[template === undefined ? 2 : 3] ?? '') : word
  return written.replace(FAMILY, '')
}

const isAny = (address: string | undefined): boolean => address === '0.0.0.0' || address === '::'

/** What HAProxy makes of a server's address, as far as it can be told without asking for a name: `127.1` is 127.0.0.1. */
function readAddress(name: string): string | undefined {
  if (name === '' || name === '*') return '0.0.0.0'
  if (isIP(name) === 0 && NUMERIC.test(name)) return numericAddress(name)
  return name.toLowerCase() === 'localhost' ? '127.0.0.1' : canonicalAddress(name)
}

const NUMERIC = /^(?:0x[\da-f]+|\d+)(?:\.(?:0x[\da-f]+|\d+)){0,3}$/i

/** The URL parser reads them as inet_aton does. */
const numericAddress = (name: string): string | undefined =>
  URL.canParse(`http://${name}`) ? new URL(`http://${name}`).hostname : undefined

/** One spelling for each address; undefined for what is none. */
export const canonicalAddress = (address: string): string | undefined => canonicalIp(unmapped(address))

/** What stands behind the figures is nothing to HAProxy. */
function portOf(text: string): Port | undefined {
  return text === '' ? undefined : { number: Number.parseInt(text, 10), isOffset: /^[+-]/.test(text) }
}

/** A server without a port is connected to on the port that the client came to, one with `+n` so many further. */
function listensOn({ from, to }: Bind, port: Port | undefined, binds: readonly Bind[]): boolean {
  if (port === undefined) return true
  const { number, isOffset } = port
  if (!isOffset) return number >= from && number <= to
  return binds.some((bind) => bind.to + number >= from && bind.from + number <= to)
}

/** Of `:80,192.0.2.1:8000-8010`. */
function bindsOf(list: string): Bind[] {
  return list.split(',').flatMap((word) => {
    const plain = word.replace(FAMILY, '')
    if (OTHER_KIND.test(plain)) return []
    const { address, port } = partsOf(plain)
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(port) ?? []
    if (from === undefined) return []
    const canonical = canonicalAddress(address)
    return { address: isAny(canonical) ? undefined : canonical, from: Number(from), to: Number(to) }
  })
}

/** `10.0.0.1:80`, `[2001:db8::1]:80`, `[2001:db8::1]`, `2001:db8::1:80`, `10.0.0.1`, `*:80`, `:80`. */
function partsOf(text: string): { address: string; port: string } {
  const colon = text.lastIndexOf(':')
  const hasPort = colon > text.lastIndexOf(']')
  const address = hasPort ? text.slice(0, colon) : text
  return { address: address.replace(/^\[(.*)\]$/, '$1'), port: hasPort ? text.slice(colon + 1) : '' }
}
