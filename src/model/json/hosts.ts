import { KontrolError } from '../../errors.ts'
import { problemOfHost } from '../host-address.ts'
import { isLiteralIp } from '../ip.ts'
import { isName } from '../name.ts'
import type { Hosts } from '../snapshot.ts'

/** Hosts as the automaton's input and as callbacks print them, with Kontrol's separators: `{"web": ["10.0.0.1"]}`. */
export function hostsToJson(hosts: Hosts): string {
  // By hand, as an object would move an app named "10" to the front.
  return `{${[...hosts].map(([app, ips]) => `${JSON.stringify(app)}: [${ips.map((ip) => JSON.stringify(ip)).join(', ')}]`).join(', ')}}`
}

/**
 * Reads that text, which may come from another master: names and addresses are
 * checked as those of a keepalive are, and the apps are sorted.
 *
 * @throws KontrolError KTL_REQUEST_INVALID
 */
export function parseHosts(json: string): Hosts {
  const value = parseJson(json)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`expected an object of lists, found ${json.slice(0, 80)}`)
  }
  const entries = Object.entries(value).map(([app, ips]): [string, readonly string[]] => {
    if (!isName(app)) throw invalid(`${JSON.stringify(app)} is no name of an app`)
    if (!isListOfAddresses(ips)) throw invalid(`"${app}" must be a list of literal IP addresses`)
    const stranger = ips.find((ip) => problemOfHost(ip) !== undefined)
    if (stranger !== undefined) throw invalid(`"${app}" holds ${stranger}, which is ${problemOfHost(stranger)}`)
    return [app, ips]
  })
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isListOfAddresses(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((ip) => typeof ip === 'string' && isLiteralIp(ip))
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw invalid(`not JSON: ${(cause as Error).message}`)
  }
}

function invalid(found: string): KontrolError {
  return new KontrolError('KTL_REQUEST_INVALID', `Invalid hosts: ${found}`, {
    hint: 'Give hosts as {"<app>": ["<ip>", …]}.'
  })
}
