import { unknownOption } from './server-line.ts'

/** What the lines of a `backend`, `listen` or `defaults` say about changing its servers while HAProxy runs. */
export interface ProxyTraits {
  /** Words of its `default-server` lines so far, those of its `defaults` first. */
  defaultServer: readonly string[]
  /** Clients may be sent to one server again and again, also while that drains. */
  sticky: boolean
  algorithm: string
  consistentHash: boolean
  /** The first reason why its servers can only be changed by a reload. */
  obstacle: string | undefined
}

export const NO_TRAITS: ProxyTraits = {
  defaultServer: [],
  sticky: false,
  algorithm: 'roundrobin',
  consistentHash: false,
  obstacle: undefined
}

/** Lines that name servers, number them, or make them by themselves. */
const NAMING = new Set([
  ...['cookie', 'disabled', 'dispatch', 'dynamic-cookie-key', 'http-send-name-header', 'server-template', 'use-server']
])

/** What a proxy says once it has said this too. */
export function withLine(traits: ProxyTraits, words: readonly string[]): ProxyTraits {
  const [keyword = '', value = ''] = words
  const told = TELLING.get(keyword)
  if (told !== undefined) return { ...traits, ...told(value, words, traits) }
  return NAMING.has(keyword) || keyword.includes('$') ? { ...traits, obstacle: `"${keyword}"` } : traits
}

type Telling = (value: string, words: readonly string[], before: ProxyTraits) => Partial<ProxyTraits>

const TELLING = new Map<string, Telling>(
  Object.entries<Telling>({
    balance: (algorithm) => ({ algorithm }),
    'default-server': (_value, [, ...options], before) => withDefaultServer(before, options),
    'hash-type': (method) => ({ consistentHash: method === 'consistent' }),
    mode: (mode) => (mode === 'http' || mode === 'tcp' ? {} : { obstacle: `"mode ${mode}"` }),
    option: optionTold,
    persist: () => ({ sticky: true }),
    stick: () => ({ sticky: true })
  })
)

/** Algorithms that take part in changes at runtime; `first` goes by the order of servers, which those do not keep. */
const DYNAMIC = /^(?:roundrobin|leastconn|random(?:\(\d+\))?)$/
const HASHING = /^(?:source|uri|url_param|rdp-cookie|hash|hdr)(?:\(.*\))?$/

/** Why servers of such a proxy can only be changed by a reload. */
export function obstacleOf({ obstacle, algorithm, consistentHash }: ProxyTraits): string | undefined {
  if (obstacle !== undefined) return obstacle
  const dynamic = DYNAMIC.test(algorithm) || (consistentHash && HASHING.test(algorithm))
  return dynamic ? undefined : `"balance ${algorithm}"`
}

function withDefaultServer(traits: ProxyTraits, options: readonly string[]): Partial<ProxyTraits> {
  const unknown = unknownOption(options)
  return {
    defaultServer: [...traits.defaultServer, ...options],
    obstacle: traits.obstacle ?? (unknown && `${unknown} of "default-server"`)
  }
}

function optionTold(name: string): Partial<ProxyTraits> {
  if (name === 'prefer-last-server' || name === 'persist') return { sticky: true }
  return name === 'external-check' ? { obstacle: '"option external-check"' } : {}
}
