import { existsSync } from 'node:fs'
import { isIP } from 'node:net'

export interface EnvVar<T> {
  name: string
  /** One sentence for docs/configuration.md and `kontrol config`. */
  doc: string
  /** Used when the variable is unset or empty. */
  fallback: T
  /** The default in words, where the value alone would not tell. */
  fallbackDoc?: string
  /** Its value is never shown. */
  secret?: true
  /** Returns the value, or throws an Error whose message completes "<NAME> …". */
  parse: (raw: string) => T
}

/** A row of a table, with the type of its value kept. */
export const variable = <T>(row: EnvVar<T>): EnvVar<T> => row

// Each parser returns the value, or throws an Error whose message completes "<NAME> …".

export const text = (raw: string): string => raw

export const wholeNumber =
  (min: number, max: number) =>
  (raw: string): number => {
    const value = Number(raw)
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new Error(`must be a whole number from ${min} to ${max}`)
    }
    return value
  }

export const decimal =
  (min: number, max: number) =>
  (raw: string): number => {
    const value = Number(raw)
    if (!Number.isFinite(value) || value < min || value > max) throw new Error(`must be a number from ${min} to ${max}`)
    return value
  }

export const oneOf =
  <const T extends string>(...choices: T[]) =>
  (raw: string): T => {
    const match = choices.find((choice) => choice === raw)
    if (match === undefined) throw new Error(`must be one of ${choices.join(', ')}`)
    return match
  }

/** `on`/`off`, and the `TRUE`/`FALSE` of Kontrol's own variables. */
export function flag(raw: string): boolean {
  const word = raw.toLowerCase()
  if (['on', 'true', '1', 'yes'].includes(word)) return true
  if (['off', 'false', '0', 'no'].includes(word)) return false
  throw new Error('must be on or off')
}

/** JSON object whose values are strings: labels and annotations. */
export function stringMap(raw: string): Readonly<Record<string, string>> {
  let value: unknown
  try {
    value = JSON.parse(raw)
  } catch (error) {
    throw new Error(`must be JSON (${(error as Error).message})`, { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('must be a JSON object')
  const wrong = Object.entries(value).find(([, entry]) => typeof entry !== 'string')
  if (wrong !== undefined) throw new Error(`must map names to strings (look at ${JSON.stringify(wrong[0])})`)
  return Object.freeze(value as Record<string, string>)
}

export function commaList(raw: string): readonly string[] {
  return raw
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** A literal address: no name, no scope. */
export function ipAddress(raw: string): string {
  if (isIP(raw) === 0) throw new Error('must be a literal IPv4 or IPv6 address')
  return raw
}

function existingFile(raw: string): string {
  if (!existsSync(raw)) throw new Error('must name a file that exists')
  return raw
}

/** `host`, `host:port` and URLs, all to URLs: etcd's own port is 2379. */
export function etcdUrls(raw: string): readonly string[] {
  return commaList(raw).map((part) => {
    const url = parseUrl(part.includes('://') ? part : `http://${part}`)
    if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') {
      throw new Error('must be host, host:port or a comma list of http(s) URLs')
    }
    if (url.port === '' && !part.includes('://')) url.port = '2379'
    return url.origin
  })
}

function parseUrl(raw: string): URL | null {
  return URL.canParse(raw) ? new URL(raw) : null
}

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export const fromKubernetes = (name: string, doc: string): EnvVar<Readonly<Record<string, string>>> => ({
  name,
  doc,
  fallback: {},
  fallbackDoc: 'from Kubernetes',
  parse: stringMap
})

export const optional = <T>(name: string, doc: string, parse: (raw: string) => T): EnvVar<T | undefined> => ({
  name,
  doc,
  fallback: undefined,
  fallbackDoc: 'unset',
  parse
})

export const secret = (name: string, doc: string): EnvVar<string | undefined> => ({
  ...optional(name, doc, text),
  secret: true
})

export const off = (name: string, doc: string): EnvVar<boolean> => ({
  name,
  doc,
  fallback: false,
  fallbackDoc: 'off',
  parse: flag
})

export const file = (name: string, doc: string) => optional(name, doc, existingFile)
