import type { Problem } from '../../errors.ts'
import { hostsToJson, parseHosts } from '../../model/json/hosts.ts'
import type { Pod } from '../../model/pod.ts'
import { appPodsOf, podsOf, type Backends, type Hosts } from '../../model/snapshot.ts'
import type { Logger } from '../../platform/logger.ts'
import type { HostsSource } from '../hosts-source.ts'
import type { Rendered } from '../template.ts'
import { NOBODY, type Without } from './without-pods.ts'

/** Renders backends, hosts as JSON, or, with an empty text, what is known now. */
interface Source {
  render(input: string | Backends, without: Without, signal?: AbortSignal): Promise<Rendered>
}

export interface Guarded extends Rendered {
  /** Addresses without which it is, as HAProxy itself listens there. */
  readonly loops: readonly string[]
}

/** A `server` line that leads HAProxy to itself. */
interface OwnServer {
  readonly target: string
  /** What HAProxy reads from it, in canonical spelling. */
  readonly address: string
}

type Known = Pick<HostsSource, 'hosts' | 'pods'>
type Stays = (ip: string) => boolean

export interface LoopGuardOptions {
  /** Renders with the backends that `known` gives it. */
  readonly makeRenderer: (known: Known) => Source
  readonly known: Known
  /** The lines of a text by which HAProxy would connect to itself, each as often as it stands there. */
  readonly ownServers: (text: string) => Promise<readonly OwnServer[]>
  readonly canonical: (ip: string) => string | undefined
  readonly logger: Pick<Logger, 'error' | 'info'>
  readonly onAlarm: (problem: Problem) => void
}

/**
 * Leaves out pods that report an address on which HAProxy itself listens: a request would go round in it until it is
 * full; or its control tier, which would obey clients as if they were on this machine. A server that a template has by
 * itself, whatever the pods are, stays: frontends are chained so on purpose.
 */
export class LoopGuard {
  readonly #options: LoopGuardOptions
  readonly #renderer: Source
  #without: ReadonlySet<string> = new Set()
  #told: ReadonlySet<string> = new Set()

  constructor(options: LoopGuardOptions) {
    this.#options = options
    const { known } = options
    this.#renderer = options.makeRenderer({
      hosts: () => (this.#without.size === 0 ? known.hosts() : filterHosts(known.hosts(), this.#stays)),
      pods: () => (this.#without.size === 0 ? known.pods() : filterPods(known.pods(), this.#stays))
    })
  }

  async render(input: string | Backends, without: Without = NOBODY, signal?: AbortSignal): Promise<Guarded> {
    const again = async (ips: readonly string[]): Promise<Rendered> =>
      await this.#leaving(ips, async () => await this.#renderer.render(this.#filtered(input), without, signal))
    const rendered = await this.#renderer.render(input, without, signal)
    const found = await this.#options.ownServers(rendered.text)
    if (found.length === 0) return { ...rendered, loops: [] }
    const podsOfLine = this.#podsOfLines(input)
    const suspects = ipsOf(found, podsOfLine)
    if (suspects.length === 0) return { ...rendered, loops: [] }
    const withNone = await again(suspects)
    // What is there without them is the template's own: another line with the same address is not.
    const loops = ipsOf(beyond(found, await this.#options.ownServers(withNone.text)), podsOfLine)
    if (loops.length === suspects.length) return { ...withNone, loops }
    return { ...(loops.length === 0 ? rendered : await again(loops)), loops }
  }

  /**
   * Whose line may be one: of the pods with the address that HAProxy reads there, and of those whose address the line
   * begins with. With a colon in what follows, "2001:db8::0" and "9:80", the one is not the other.
   */
  #podsOfLines(input: string | Backends): (server: OwnServer) => string[] {
    const { known, canonical } = this.#options
    const spelled = new Map<string, string>()
    const add = (ip: string): unknown => spelled.has(ip) || spelled.set(ip, canonical(ip) ?? ip)
    if (typeof input !== 'string') for (const pods of podsOf(input).values()) for (const { ip } of pods) add(ip)
    else {
      const all = input === '' ? [known.hosts()] : [known.hosts(), parseHosts(input)]
      for (const hosts of all) for (const ips of hosts.values()) ips.forEach(add)
    }
    const addresses = new Set(spelled.values())
    return ({ target, address }) => {
      const found = addresses.has(address) ? [address] : []
      for (let end = target.indexOf(':'); end !== -1; end = target.indexOf(':', end + 1)) {
        const glued = spelled.get(target.slice(0, end))
        if (glued !== undefined && glued !== address) found.push(glued)
      }
      return found
    }
  }

  /** Tells once of each address that is left out. */
  tell(addresses: readonly string[]): void {
    const { logger, onAlarm } = this.#options
    const before = this.#told
    this.#told = new Set(addresses)
    for (const ip of addresses.filter((address) => !before.has(address))) {
      const problem = problemOf(ip)
      logger.error({ ip, ...problem }, 'pod left out')
      onAlarm(problem)
    }
    const back = [...before].filter((address) => !this.#told.has(address))
    if (back.length > 0) logger.info({ ips: back }, 'pods no longer left out')
  }

  readonly #stays: Stays = (ip) => !this.#without.has(this.#options.canonical(ip) ?? ip)

  async #leaving<T>(addresses: readonly string[], render: () => Promise<T>): Promise<T> {
    this.#without = new Set(addresses)
    try {
      return await render()
    } finally {
      this.#without = new Set()
    }
  }

  #filtered(input: string | Backends): string | Backends {
    if (input === '') return input
    if (typeof input === 'string') return hostsToJson(filterHosts(parseHosts(input), this.#stays))
    return new Map([...filterPods(podsOf(input), this.#stays)].map(([app, pods]) => [app, appPodsOf(pods)]))
  }
}

const ipsOf = (servers: readonly OwnServer[], podsOfLine: (server: OwnServer) => string[]): string[] => [
  ...new Set(servers.flatMap(podsOfLine))
]

/** Those that are not among the others, or not as often. */
function beyond(servers: readonly OwnServer[], others: readonly OwnServer[]): OwnServer[] {
  const counts = new Map<string, number>()
  for (const { target } of others) counts.set(target, (counts.get(target) ?? 0) + 1)
  return servers.filter(({ target }) => {
    const count = counts.get(target) ?? 0
    counts.set(target, count - 1)
    return count <= 0
  })
}

const filterHosts = (hosts: Hosts, stays: Stays): Hosts => filter(hosts, stays)

const filterPods = (pods: ReadonlyMap<string, readonly Pod[]>, stays: Stays): ReadonlyMap<string, readonly Pod[]> =>
  filter(pods, ({ ip }) => stays(ip))

/** As in the registry, an app without pods is not there. */
function filter<T>(
  apps: ReadonlyMap<string, readonly T[]>,
  stays: (item: T) => boolean
): ReadonlyMap<string, readonly T[]> {
  const staying = [...apps].map(([app, items]): [string, readonly T[]] => [app, items.filter(stays)])
  return new Map(staying.filter(([, items]) => items.length > 0))
}

function problemOf(ip: string): Problem {
  return {
    code: 'KTL_POD_IS_PROXY',
    message: `The pods at ${ip} are left out: where their server line leads, HAProxy itself or its control tier listens`,
    hint: 'Look at "kontrol pods" for who reports this address; a server that chains frontends belongs into the template.'
  }
}
