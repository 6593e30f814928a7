import { PLAIN_NAME, unknownOption } from './server-line.ts'

/** What the lines of a `backend`, `listen` or `defaults` say about changing its servers while HAProxy runs. */
export interface BackendSettings {
  /** Words of its `default-server` lines so far, those of its `defaults` first. */
  defaultServer: readonly string[]
  /** Clients may be sent to one server again and again, also while that drains. */
  sticky: boolean
  algorithm: string
  consistentHash: boolean
  /** Names of servers that its lines go by. */
  named: readonly string[]
  /** Cookies name servers by their addresses. */
  dynamicCookie: boolean
  /** The first reason why its servers can only be changed by a reload. */
  blocker: string | undefined
}

export const NO_SETTINGS: BackendSettings = {
  defaultServer: [],
  sticky: false,
  algorithm: 'roundrobin',
  consistentHash: false,
  named: [],
  dynamicCookie: false,
  blocker: undefined
}

/** Lines that name servers, make them by themselves, or lead clients also to one that is out. */
const BLOCKERS = new Set(['disabled', 'dispatch', 'force-persist', 'http-send-name-header', 'server-template'])

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
    cookie: cookieSetting,
    'default-server': (_value, [, ...options], before) => withDefaultServer(before, options),
    'hash-type': (method) => ({ consistentHash: method === 'consistent' }),
    mode: (mode) => (mode === 'http' || mode === 'tcp' ? {} : { blocker: `"mode ${mode}"` }),
    option: optionSetting,
    persist: () => ({ sticky: true }),
    stick: () => ({ sticky: true }),
    'use-server': useServerSetting
  })
)

/**
 * How a backend uses the numbers that HAProxy gives its servers: `places`, the
 * points at which they stand on a ring, decide who serves a key; `order`, the
 * lowest one serves first; `distinct`, they only have to differ.
 */
export type Ring = 'places' | 'order' | 'distinct' | undefined

export function ringOf({ algorithm, consistentHash }: BackendSettings): Ring {
  if (algorithm.startsWith('random')) return 'distinct'
  if (algorithm === 'first') return 'order'
  return consistentHash && HASHING.test(algorithm) ? 'places' : undefined
}

/** Algorithms that take part in changes at runtime. */
const DYNAMIC = /^(?:roundrobin|leastconn|first|random(?:\(\d+\))?)$/
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

/** Of cookies that are written down per server, HAProxy takes none at runtime before 3.0. */
function cookieSetting(_name: string, words: readonly string[]): Partial<BackendSettings> {
  return words.includes('dynamic') ? { sticky: true, dynamicCookie: true } : { blocker: '"cookie"' }
}

/** A name that is worked out for each request may be that of any server. */
function useServerSetting(
  name: string,
  _words: readonly string[],
  { named }: BackendSettings
): Partial<BackendSettings> {
  return PLAIN_NAME.test(name) ? { named: [...named, name] } : { blocker: '"use-server"' }
}

function optionSetting(name: string): Partial<BackendSettings> {
  if (name === 'persist') return { blocker: '"option persist"' }
  if (name === 'prefer-last-server') return { sticky: true }
  return name === 'external-check' ? { blocker: '"option external-check"' } : {}
}
