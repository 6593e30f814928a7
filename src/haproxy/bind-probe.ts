import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { createServer, isIPv6 } from 'node:net'
import { dirname } from 'node:path'
import type { ConfigLine, ParsedConfig } from './config-parser.ts'
import type { Listener } from './listeners.ts'

interface BindAddress {
  /** As the configuration spells it. */
  text: string
  number: number
}

/**
 * Tries the addresses that the wanted configuration binds. HAProxy's own check
 * does not, and a reload that meets a taken port refuses connections on every
 * frontend for two seconds before it gives up.
 *
 * @param held where HAProxy listens. Its listeners pass to its next worker, and
 *   as they have SO_REUSEPORT its own *:80 does not keep it from 10.0.0.1:80
 * @returns one sentence for each address that cannot be bound
 */
export async function probeBinds(wanted: ParsedConfig, held: readonly Listener[]): Promise<string[]> {
  const problems = await Promise.all(
    bindAddresses(wanted).map(async ({ text, number }) => {
      const failure = await tryBind(text, held)
      return failure && `line ${number}: cannot bind ${text}: ${failure}`
    })
  )
  return problems.filter((problem) => problem !== undefined)
}

/** Bind options that let HAProxy take an address which this process cannot. */
const UNTRIABLE = new Set(['transparent', 'namespace', 'interface'])

function bindAddresses({ sections }: ParsedConfig): BindAddress[] {
  return sections
    .flatMap(({ lines }) => lines)
    .filter(({ words }) => words[0] === 'bind' && !words.some((word) => UNTRIABLE.has(word)))
    .flatMap(({ number, words: [, addresses = ''] }: ConfigLine) =>
      addresses.split(',').map((text) => ({ text, number }))
    )
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'the address is in use by another program',
  EADDRNOTAVAIL: 'the address is not one of this host',
  EACCES: 'this user may not bind it',
  ENOENT: 'the folder does not exist'
}

/** Undefined when it can be bound, or when only HAProxy can tell (ranges, variables, names, inherited descriptors). */
async function tryBind(text: string, held: readonly Listener[]): Promise<string | undefined> {
  const unix = /^(?:unix@)?(\/.*)$/.exec(text)?.[1]
  const tcp = tcpAddress(text)
  try {
    if (unix !== undefined) await access(dirname(unix), constants.W_OK)
    else if (tcp !== undefined) await tryPort(tcp)
    return undefined
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE' && tcp !== undefined && held.some((listener) => overlaps(listener, tcp))) return undefined
    return REASONS[code] ?? message
  }
}

interface TcpAddress {
  host: string
  port: number
}

function tcpAddress(text: string): TcpAddress | undefined {
  const match = /^(ipv4@|ipv6@)?(\*|[\d.]*|\[[\da-fA-F:.]+\]|[\da-fA-F:.]+):(\d+)$/.exec(text)
  if (match === null) return undefined
  const [, family, address = '', port] = match
  const bare = address.replace(/[[\]]/g, '')
  const any = family === 'ipv6@' ? '::' : '0.0.0.0'
  return { host: bare === '' || bare === '*' ? any : bare, port: Number(port) }
}

function overlaps({ address, port }: Listener, wanted: TcpAddress): boolean {
  if (port !== wanted.port) return false
  const any = address === '*' || wanted.host === '0.0.0.0' || wanted.host === '::'
  return any || (address === undefined ? isIPv6(wanted.host) : address === wanted.host)
}

async function tryPort({ host, port }: TcpAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, ipv6Only: isIPv6(host), exclusive: true }, () => {
      server.close(() => resolve())
    })
  })
}
