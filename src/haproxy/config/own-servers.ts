import { unmapped } from '../../model/host-address.ts'
import { canonicalIp } from '../../model/ip.ts'
import { eachInTurns, piecesOf } from '../../platform/turns.ts'
import { splitWords } from './parser.ts'

/** One address on which HAProxy listens. */
interface Bind {
  /** Undefined for all addresses of the machine, and for one that only HAProxy can tell. */
  readonly address: string | undefined
  readonly from: number
  readonly to: number
}

const BIND = /^[ \t]*bind[ \t].*$/gm
const SERVER = /^[ \t]*server[ \t]+\S+[ \t]+(\S+)/gm
/** What is before an address to say which kind it is; other kinds are no TCP. */
const FAMILY = /^(?:ipv4|ipv6|tcp|tcp4|tcp6)@/
const OTHER_KIND = /^(?:\/|[a-z0-9+]+@)/

/**
 * Addresses of the `server` lines by which HAProxy would connect to itself: one that it listens on, as the same text
 * says; or to its control tier, which would take its clients for those who are on this machine.
 *
 * @param isOwn whether connections to an address in canonical spelling come to this HAProxy, or to one like it
 * @param controlPort where the control tier listens, on all addresses
 */
export async function ownServers(
  text: string,
  isOwn: (address: string) => boolean,
  controlPort: number
): Promise<string[]> {
  const binds: Bind[] = []
  const control: Bind = { address: undefined, from: controlPort, to: controlPort }
  await eachInTurns(piecesOf(text), (piece) => {
    for (const [line] of piece.matchAll(BIND)) binds.push(...bindsOf(splitWords(line)[1] ?? ''))
  })
  const found = new Set<string>()
  await eachInTurns(piecesOf(text), (piece) => {
    for (const [, target = ''] of piece.matchAll(SERVER)) {
      const { address, port } = partsOf(target.replace(FAMILY, ''))
      const canonical = canonicalAddress(address)
      if (canonical === undefined || found.has(canonical)) continue
      const reached = binds.filter((bind) =>
        bind.address === undefined ? isOwn(canonical) : bind.address === canonical
      )
      const isControl = port !== '' && listensOn(control, port, binds) && isOwn(canonical)
      if (isControl || reached.some((bind) => listensOn(bind, port, binds))) found.add(canonical)
    }
  })
  return [...found]
}

/** One spelling for each address; undefined for what is none. */
export const canonicalAddress = (address: string): string | undefined => canonicalIp(unmapped(address))

/** A server without a port is connected to on the port that the client came to, one with `+n` so many further. */
function listensOn({ from, to }: Bind, port: string, binds: readonly Bind[]): boolean {
  if (port === '') return true
  const number = Number(port)
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
    const isAny = canonical === '0.0.0.0' || canonical === '::'
    return { address: isAny ? undefined : canonical, from: Number(from), to: Number(to) }
  })
}

/** `10.0.0.1:80`, `[2001:db8::1]:80`, `2001:db8::1:80`, `10.0.0.1`, `*:80`, `:80`. */
function partsOf(text: string): { address: string; port: string } {
  const colon = text.lastIndexOf(':')
  if (colon === -1) return { address: text, port: '' }
  return { address: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: text.slice(colon + 1) }
}
