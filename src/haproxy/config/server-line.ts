import { isIP } from 'node:net'
import { readLine, splitWords } from './parser.ts'

/** A `server` line, and whether a server like it can be made and unmade while HAProxy runs. */
export interface ServerLine {
  readonly name: string
  /** All but the name. Lines that say the same share one. */
  readonly target: ServerTarget
  /** Why the runtime API is not trusted with it. */
  readonly blocker: string | undefined
}

export interface ServerTarget {
  /** IPv4 or IPv6, without brackets; empty when it is no literal address. */
  readonly address: string
  /** 0 when there is none. */
  readonly port: number
  /** All behind the address, as written. */
  readonly options: string
  /** Address, port and options: two servers of one backend with the same key are the same, whatever their names. */
  readonly key: string
  /** The words of its options. */
  readonly words: readonly string[]
  /** Its number in HAProxy, where the line says one; else 0. */
  readonly id: number
  readonly tracks: boolean
  readonly blocker: string | undefined
}

/** Options that a server made at runtime takes with the same effect, and how many words follow each. */
const OPTIONS = new Map<string, 0 | 1>([
  ...['allow-0rtt', 'check', 'check-send-proxy', 'check-ssl', 'no-ssl-reuse', 'send-proxy', 'send-proxy-v2'].map(none),
  ...['send-proxy-v2-ssl', 'send-proxy-v2-ssl-cn', 'ssl', 'tfo'].map(none),
  ...['addr', 'alpn', 'ca-file', 'check-alpn', 'check-proto', 'check-sni', 'ciphers', 'ciphersuites'].map(one),
  ...['crl-file', 'crt', 'downinter', 'error-limit', 'fall', 'fastinter', 'id', 'inter', 'maxconn', 'maxqueue'].map(
    one
  ),
  ...['minconn', 'observe', 'on-error', 'on-marked-down', 'on-marked-up', 'pool-low-conn', 'pool-max-conn'].map(one),
  ...['pool-purge-delay', 'port', 'proto', 'proxy-v2-options', 'rise', 'slowstart', 'sni', 'ssl-max-ver'].map(one),
  ...['ssl-min-ver', 'verify', 'verifyhost', 'weight', 'ws'].map(one)
])

/** What stands for itself on the command line of the runtime API as in a file. */
const PLAIN_WORD = /^[\w.:,@%+=/()[\]*~-]+$/
export const PLAIN_NAME = /^[\w.:-]+$/

/** `  server name target options`, without quotes, escapes, comments and variables. */
const PLAIN_LINE = /^[ \t]*server[ \t]+([!%&(-[\]-~]+)[ \t]+([!%&(-[\]-~]+)([\t !%&(-[\]-~]*)$/

/** Targets remembered, before they are forgotten all at once. */
const MAX_TARGETS = 50_000

/**
 * Reads `server` lines. When names shift, thousands of lines are new and have
 * nothing new but the name: then the name is all that is read anew.
 */
export class ServerLineReader {
  /** By what is behind the target as written, and the target. */
  #known = new Map<string, Map<string, ServerTarget>>()
  #count = 0

  /** Undefined when it is another line. */
  read(raw: string): ServerLine | undefined {
    const plain = PLAIN_LINE.exec(raw) ?? PLAIN_LINE.exec(readLine(raw).text)
    if (plain !== null) {
      const [, name = '', address = '', options = ''] = plain
      const target = this.#target(address, options)
      return { name, target, blocker: target.blocker ?? strangeName(name) }
    }
    return this.#readQuoted(raw)
  }

  /** Quotes and escapes may hold variables, which only HAProxy can tell: such a line is compared as it is written. */
  #readQuoted(raw: string): ServerLine | undefined {
    const [keyword, name = '', address, ...options] = splitWords(raw)
    if (keyword !== 'server' || address === undefined) return undefined
    const blocker = /[^\t -~]/.test(raw) ? 'a character beyond ASCII' : 'a quoted word'
    const target = { ...readTarget(address, options), key: raw.trim(), blocker }
    return { name, target, blocker }
  }

  #target(address: string, options: string): ServerTarget {
    const alike = this.#known.get(options) ?? new Map<string, ServerTarget>()
    const known = alike.get(address)
    if (known !== undefined) return known
    if (this.#count++ > MAX_TARGETS) {
      this.#known = new Map()
      this.#count = 0
    }
    const target = readTarget(address, options.match(/[^ \t]+/g) ?? [])
    this.#known.set(options, alike.set(address, target))
    return target
  }
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

/** What follows an option, where it stands last. */
export function valueOf(options: readonly string[], option: string): string | undefined {
  const at = options.lastIndexOf(option)
  return at === -1 ? undefined : options[at + 1]
}

/** The last word on it counts, those of `default-server` before those of the server. */
export const isChecked = (options: readonly string[]): boolean =>
  options.lastIndexOf('check') > options.lastIndexOf('no-check')

/** `10.0.0.1:80`, `[2001:db8::1]:80`, `2001:db8::1:80`. */
function readTarget(text: string, options: readonly string[]): ServerTarget {
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  const digits = text.slice(colon + 1)
  const address = isIP(host) === 0 ? '' : host
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0
  const written = options.join(' ')
  return {
    address,
    port,
    options: written,
    key: written === '' ? text : `${text} ${written}`,
    words: options,
    id: Number(valueOf(options, 'id') ?? 0),
    tracks: options.includes('track'),
    blocker: strangeAddress(address, port) ?? unknownOption(options)
  }
}

function strangeName(name: string): string | undefined {
  return PLAIN_NAME.test(name) ? undefined : `the name "${name}"`
}

function strangeAddress(address: string, port: number): string | undefined {
  if (address === '') return 'an address that is not a literal IP'
  return port < 1 || port > 65_535 ? 'an address without a port' : undefined
}

function none(option: string): [string, 0] {
  return [option, 0]
}

function one(option: string): [string, 1] {
  return [option, 1]
}
