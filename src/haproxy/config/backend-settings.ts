import { unknownOption } from './server-line.ts'

/** What the lines of a `backend`, `listen` or `defaults` say about changing its servers while HAProxy runs. */
export interface BackendSettings {
  /** Words of its `default-server` lines so far, those of its `defaults` first. */
  defaultServer: readonly string[]
  /** Clients may be sent to one server again and again, also while that drains. */
  sticky: boolean
  algorithm: string
  consistentHash: boolean
  /** The first reason why its servers can only be changed by a reload. */
  blocker: string | undefined
}

export const NO_SETTINGS: BackendSettings = {
  defaultServer: [],
  sticky: false,
  algorithm: 'roundrobin',
  consistentHash: false,
  blocker: undefined
}

/** Lines that name servers, number them, or make them by themselves. */
const BLOCKERS = new Set([
  ...['cookie', 'disabled', 'dispatch', 'dynamic-cookie-key', 'http-send-name-header', 'server-template', 'use-server']
])

/** What a proxy says once it has said this too. */
export function withLine(settings: BackendSettings, words: readonly string[]): BackendSettings {
  const [keyword = '', value = ''] = words
  const setting = SETTINGS.get(keyword)
  if (setting !== undefined) return { ...settings, ...setting(value, words, settings) }
  return BLOCKERS.has(keyword) || keyword.includes('$') ? { ...settings, blocker: `"${keyword}"` } : settings
}

type Setting = (value: string, words: readonly string[], before: BackendSettings) => Partial<BackendSettings>

const SETTINGS = new Map<string, Setting>(
  Object.entries<Setting>({
    balance: (algorithm) => ({ algorithm }),
    'default-server': (_value, [, ...options], before) => withDefaultServer(before, options),
    'hash-type': (method) => ({ consistentHash: method === 'consistent' }),
    mode: (mode) => (mode === 'http' || mode === 'tcp' ? {} : { blocker: `"mode ${mode}"` }),
    option: optionSetting,
    persist: () => ({ sticky: true }),
    stick: () => ({ sticky: true })
  })
)

/**
 * How a backend uses the numbers that HAProxy gives its servers: `places`, the
 * points at which they stand on a ring, decide who serves a key; `distinct`,
 * they only have to differ.
 */
export type Ring = 'places' | 'distinct' | undefined

export function ringOf({ algorithm, consistentHash }: BackendSettings): Ring {
  if (algorithm.startsWith('random')) return 'distinct'
  return consistentHash && HASHING.test(algorithm) ? 'places' : undefined
}

/** Algorithms that take part in changes at runtime; `first` goes by the order of servers, which those do not keep. */
const DYNAMIC = /^(?:roundrobin|leastconn|random(?:\(\d+\))?)$/
const HASHING = /^(?:source|uri|url_param|rdp-cookie|hash|hdr)(?:\(.*\))?$/

/** Why servers of such a proxy can only be changed by a reload. */
export function blockerOf({ blocker, algorithm, consistentHash }: BackendSettings): string | undefined {
  if (blocker !== undefined) return blocker
  const dynamic = DYNAMIC.test(algorithm) || (consistentHash && HASHING.test(algorithm))
  return dynamic ? undefined : `"balance ${algorithm}"`
}

function withDefaultServer(settings: BackendSettings, options: readonly string[]): Partial<BackendSettings> {
  const unknown = unknownOption(options)
  return {
    defaultServer: [...settings.defaultServer, ...options],
    blocker: settings.blocker ?? (unknown && `${unknown} of "default-server"`)
  }
}

function optionSetting(name: string): Partial<BackendSettings> {
  if (name === 'prefer-last-server' || name === 'persist') return { sticky: true }
  return name === 'external-check' ? { blocker: '"option external-check"' } : {}
}
