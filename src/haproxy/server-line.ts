import { isIP } from 'node:net'

/** A `server` line, and whether a server like it can be made and unmade while HAProxy runs. */
export interface ServerLine {
  name: string
  /** IPv4 or IPv6, without brackets; empty when it is no literal address. */
  address: string
  /** 0 when there is none. */
  port: number
  /** All behind the address, as written. */
  options: string
  /** Address, port and options: two servers of one backend with the same key are the same, whatever their names. */
  key: string
  /** Why the runtime API is not trusted with it. */
  obstacle: string | undefined
}

/** Options that a server made at runtime takes with the same effect, and how many words follow each. */
const OPTIONS = new Map<string, 0 | 1>([
  ...['allow-0rtt', 'check', 'check-send-proxy', 'check-ssl', 'no-ssl-reuse', 'send-proxy', 'send-proxy-v2'].map(none),
  ...['send-proxy-v2-ssl', 'send-proxy-v2-ssl-cn', 'ssl', 'tfo'].map(none),
  ...['addr', 'alpn', 'ca-file', 'check-alpn', 'check-proto', 'check-sni', 'ciphers', 'ciphersuites'].map(one),
  ...['crl-file', 'crt', 'downinter', 'error-limit', 'fall', 'fastinter', 'inter', 'maxconn', 'maxqueue'].map(one),
  ...['minconn', 'observe', 'on-error', 'on-marked-down', 'on-marked-up', 'pool-low-conn', 'pool-max-conn'].map(one),
  ...['pool-purge-delay', 'port', 'proto', 'proxy-v2-options', 'rise', 'slowstart', 'sni', 'ssl-max-ver'].map(one),
  ...['ssl-min-ver', 'verify', 'verifyhost', 'weight', 'ws'].map(one)
])

/** What stands for itself on the command line of the runtime API as in a file. */
const PLAIN_WORD = /^[\w.:,@%+=/()[\]*~-]+$/

/** @param words of the whole line, `server` first */
export function readServerLine([, name = '', target = '', ...options]: readonly string[]): ServerLine {
  const { address, port } = readTarget(target)
  const said = options.join(' ')
  const obstacle = obstacleIn(name, address, port) ?? unknownOption(options)
  return { name, address, port, options: said, key: said === '' ? target : `${target} ${said}`, obstacle }
}

/** The first option that only a reload can be trusted with. */
export function unknownOption(options: readonly string[]): string | undefined {
  for (let at = 0; at < options.length; at++) {
    const option = options[at] ?? ''
    const following = OPTIONS.get(option)
    if (following === undefined) return `the option "${option}"`
    at += following
    const value = options[at]
    if (value === undefined || !PLAIN_WORD.test(value)) return `the value of "${option}"`
  }
  return undefined
}

/** `10.0.0.1:80`, `[2001:db8::1]:80`, `2001:db8::1:80`. */
function readTarget(target: string): { address: string; port: number } {
  const colon = target.lastIndexOf(':')
  const host = target.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  const digits = target.slice(colon + 1)
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0
  return { address: isIP(host) === 0 ? '' : host, port }
}

function obstacleIn(name: string, address: string, port: number): string | undefined {
  if (!/^[\w.:-]+$/.test(name)) return `the name "${name}"`
  if (address === '') return 'an address that is none in numbers'
  return port < 1 || port > 65_535 ? 'an address without a port' : undefined
}

function none(option: string): [string, 0] {
  return [option, 0]
}

function one(option: string): [string, 1] {
  return [option, 1]
}
