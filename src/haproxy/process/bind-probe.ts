import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { createServer, isIPv6 } from 'node:net'
import { dirname } from 'node:path'
import type { ConfigModel } from '../config/model.ts'
import type { Listener, Listeners } from './listeners.ts'

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
 * One after another: HAProxy's sockets have SO_REUSEPORT, so that it binds one
 * port several times, and *:80 beside 10.0.0.1:80. Those of a probe have not.
 *
 * @param listeners where HAProxy listens, and others. Its listeners pass to its next worker
 * @returns one sentence for each address that cannot be bound
 */
export async function probeBinds(wanted: ConfigModel, listeners: Listeners): Promise<string[]> {
  const problems: string[] = []
  const tried = new Set<string>()
  for (const { text, number } of bindAddresses(wanted)) {
    if (tried.has(text)) continue
    tried.add(text)
    const failure = await tryBind(text, listeners)
    if (failure !== undefined) problems.push(`line ${number}: cannot bind ${text}: ${failure}`)
  }
  return problems
}

/** Bind options that let HAProxy take an address which this process cannot. */
const UNTRIABLE = new Set(['transparent', 'namespace', 'interface'])

function bindAddresses({ sections }: ConfigModel): BindAddress[] {
  return sections
    .flatMap(({ lines }) => lines)
    .filter(({ words }) => words[0] === 'bind' && !words.some((word) => UNTRIABLE.has(word)))
    .flatMap(({ number, words: [, addresses = ''] }) => addresses.split(',').map((text) => ({ text, number })))
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'the address is in use by another program',
  EADDRNOTAVAIL: 'the address is not one of this host',
  EACCES: 'this user may not bind it',
  ENOENT: 'the folder does not exist'
}

/** Undefined when it can be bound, or when only HAProxy can tell (ranges, variables, names, inherited descriptors). */
async function tryBind(text: string, listeners: Listeners): Promise<string | undefined> {
  const unix = /^(?:unix@)?(\/.*)$/.exec(text)?.[1]
  const tcp = tcpAddress(text)
  try {
    if (unix !== undefined) await access(dirname(unix), constants.W_OK)
    else if (tcp !== undefined) await tryPort(tcp)
    return undefined
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE' && tcp !== undefined && isOurs(tcp, listeners)) return undefined
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

/** Whether it is HAProxy itself, and no other program, that keeps the probe from this address. */
function isOurs(wanted: TcpAddress, { own, others }: Listeners): boolean {
  const held = own.filter((listener) => overlaps(listener, wanted))
  if (held.some(({ address }) => address === wanted.host)) return true
  return held.length > 0 && !others.some((listener) => excludes(listener, wanted))
}

const ANY = new Set<string | undefined>(['0.0.0.0', '::'])

/** One IPv6 address may be any; one for any IPv6 may take IPv4 too. */
function overlaps({ address, port }: Listener, wanted: TcpAddress): boolean {
  if (port !== wanted.port) return false
  if (ANY.has(address) || ANY.has(wanted.host)) return true
  return address === undefined ? isIPv6(wanted.host) : address === wanted.host
}

/** Certainly: of the same family, and the same address or any on one side. */
function excludes({ address, port }: Listener, wanted: TcpAddress): boolean {
  const ipv6 = address === undefined || isIPv6(address)
  if (port !== wanted.port || ipv6 !== isIPv6(wanted.host)) return false
  return ANY.has(address) || ANY.has(wanted.host) || address === wanted.host
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
