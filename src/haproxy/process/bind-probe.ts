import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { createServer, isIPv6 } from 'node:net'
import { dirname } from 'node:path'
import { KontrolError } from '../../errors.ts'
import { maskValues } from '../../model/masking.ts'
import type { ConfigModel } from '../config/model.ts'
import { listenersOf, type Listener, type Listeners } from './listeners.ts'

interface BindAddress {
  /** As the configuration spells it. */
  text: string
  number: number
  /** An IPv6 address takes no IPv4 connections. */
  v6only: boolean
}

/**
 * @param worker that serves, by pid
 * @throws KontrolError KTL_HAPROXY_RELOAD_FAILED when HAProxy could not bind an address of the wanted configuration
 */
export async function refuseTakenAddresses(
  wanted: ConfigModel,
  { secrets, worker }: { secrets: readonly string[]; worker: number | undefined }
): Promise<void> {
  const listeners = worker === undefined ? undefined : await listenersOf(worker)
  // Who listens nowhere has nothing to lose by a reload that fails.
  if (listeners === undefined || listeners.own.length === 0) return
  const problems = await probeBinds(wanted, listeners, secrets)
  if (problems.length === 0) return
  throw new KontrolError('KTL_HAPROXY_RELOAD_FAILED', `The configuration cannot be loaded: ${problems.join('; ')}`, {
    hint: 'Free the address, or change the bind line; HAProxy goes on with what it runs.'
  })
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
 * @param secrets of the configuration and of the environment, which no sentence repeats
 * @returns one sentence for each address that cannot be bound
 */
async function probeBinds(wanted: ConfigModel, listeners: Listeners, secrets: readonly string[]): Promise<string[]> {
  const problems: string[] = []
  const tried = new Set<string>()
  for (const { text, number, v6only } of bindAddresses(wanted)) {
    if (tried.has(text)) continue
    tried.add(text)
    const failure = await tryBind(text, v6only, listeners)
    if (failure !== undefined) problems.push(maskValues(`line ${number}: cannot bind ${text}: ${failure}`, secrets))
  }
  return problems
}

/** Bind options that let HAProxy take an address which this process cannot. */
const UNTRIABLE = new Set(['transparent', 'namespace', 'interface'])

function bindAddresses({ sections }: ConfigModel): BindAddress[] {
  return sections
    .flatMap(({ lines }) => lines)
    .filter(({ words }) => words[0] === 'bind' && !words.some((word) => UNTRIABLE.has(word)))
    .flatMap(({ number, words }) => {
      const [, addresses = ''] = words
      return addresses.split(',').map((text) => ({ text, number, v6only: words.includes('v6only') }))
    })
}

/** What lets a user bind a port like 80. */
export const RIGHT_TO_BIND =
  'set the sysctl net.ipv4.ip_unprivileged_port_start=0, give it the capability NET_BIND_SERVICE, or bind a port from 1024 on'

const REASONS: Record<string, string> = {
  EADDRINUSE: 'the address is in use by another program',
  EADDRNOTAVAIL: 'the address is not one of this host',
  EACCES: `this user may not bind it; ${RIGHT_TO_BIND}`,
  ENOENT: 'the folder does not exist'
}

/** Undefined when it can be bound, or when only HAProxy can tell (variables, names, inherited descriptors). */
async function tryBind(text: string, v6only: boolean, listeners: Listeners): Promise<string | undefined> {
  const unix = /^(?:unix@)?(\/.*)$/.exec(text)?.[1]
  if (unix !== undefined) return await reasonAgainst(async () => await access(dirname(unix), constants.W_OK))
  for (const tcp of tcpAddresses(text, v6only)) {
    const failure = await reasonAgainst(
      async () => await tryPort(tcp),
      () => isOurs(tcp, listeners)
    )
    if (failure !== undefined) return tcp.inRange ? `port ${tcp.port}: ${failure}` : failure
  }
  return undefined
}

async function reasonAgainst(attempt: () => Promise<void>, isOurs = (): boolean => false): Promise<string | undefined> {
  try {
    await attempt()
    return undefined
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE' && isOurs()) return undefined
    return REASONS[code] ?? message
  }
}

interface TcpAddress {
  host: string
  port: number
  v6only: boolean
  inRange: boolean
}

/** Of a longer range only the first are tried. */
const MAX_RANGE = 1_000

/** `*:80`, `:80-90`, `:::80`, `[::1]:80`, `ipv6@:80`. */
function tcpAddresses(text: string, v6only: boolean): TcpAddress[] {
  const match = /^(ipv4@|ipv6@)?(\*|[\d.]*|\[[\da-fA-F:.]+\]|[\da-fA-F:.]+):(\d+)(?:-(\d+))?$/.exec(text)
  if (match === null) return []
  const [, family, address = '', port, last] = match
  const bare = address.replace(/[[\]]/g, '')
  const any = family === 'ipv6@' ? '::' : '0.0.0.0'
  const host = bare === '' || bare === '*' ? any : bare
  const first = Number(port)
  const count = last === undefined ? 1 : Math.min(Number(last) - first + 1, MAX_RANGE)
  return Array.from({ length: Math.max(count, 0) }, (_, index) => ({
    ...{ host, v6only, port: first + index, inRange: last !== undefined }
  }))
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

/** Certainly: of the same family, and the same address or any on one side; or any IPv6, which takes IPv4 too. */
function excludes({ address, port }: Listener, wanted: TcpAddress): boolean {
  if (port === wanted.port && wanted.host === '::' && !wanted.v6only && address === '0.0.0.0') return true
  const ipv6 = address === undefined || isIPv6(address)
  if (port !== wanted.port || ipv6 !== isIPv6(wanted.host)) return false
  return ANY.has(address) || ANY.has(wanted.host) || address === wanted.host
}

async function tryPort({ host, port, v6only }: TcpAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, ipv6Only: isIPv6(host) && v6only, exclusive: true }, () => {
      server.close(() => resolve())
    })
  })
}
