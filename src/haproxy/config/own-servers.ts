import { isIP } from 'node:net'
import { unmapped } from '../../model/host-address.ts'
import { canonicalIp } from '../../model/ip.ts'
import { eachInTurns, piecesOf } from '../../platform/turns.ts'
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

/**
 * The `server` lines by which HAProxy would connect to itself: to an address that it listens on, as the same text says;
 * or to its control tier, which would take its clients for those who are on this machine. Each as often as it is there.
 *
 * @param isOwn whether connections to an address in canonical spelling come to this HAProxy, or to one like it
 * @param controlPort where the control tier listens, on all addresses
 */
export async function ownServers(
  text: string,
  isOwn: (address: string) => boolean,
  controlPort: number
): Promise<OwnServer[]> {
  const binds: Bind[] = []
  const control: Bind = { address: undefined, from: controlPort, to: controlPort }
  await eachInTurns(piecesOf(text), (piece) => {
    for (const [line] of piece.matchAll(BIND)) binds.push(...bindsOf(splitWords(line)[1] ?? ''))
  })
  const found: OwnServer[] = []
  await eachInTurns(piecesOf(text), (piece) => {
    for (const match of piece.matchAll(SERVER)) {
      const target = targetOf(match)
      const { address: name, port } = partsOf(target)
      const address = readAddress(name)
      if (address === undefined) continue
      // No address at all: the one that the client came to.
      const isHere = isAny(address) || isOwn(address)
      const reached = binds.filter((bind) => (bind.address === undefined ? isHere : bind.address === address))
      if (isHere && port !== '') reached.push(control)
      if (reached.some((bind) => listensOn(bind, port, binds))) found.push({ target, address })
    }
  })
  return found
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

/** A server without a port is connected to on the port that the client came to, one with `+n` so many further. */
function listensOn({ from, to }: Bind, port: string, binds: readonly Bind[]): boolean {
  if (port === '') return true
  // What stands behind the figures is nothing to HAProxy.
  const number = Number.parseInt(port, 10)
  if (!/^[+-]/.test(port)) return number >= from && number <= to
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
