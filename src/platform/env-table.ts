/** Where a value came from, as `kontrol config` shows it. */
export type Origin = 'environment' | 'kubernetes' | 'debug mode' | 'default'

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

// The rows of a table have different types: `never` in, `unknown` out fits all of them.
export type EnvTable = Record<string, Omit<EnvVar<unknown>, 'parse'> & { parse: (raw: string) => unknown }>

export type Values<T extends EnvTable> = { readonly [K in keyof T]: ReturnType<T[K]['parse']> | T[K]['fallback'] }

export interface ReadResult<T extends EnvTable> {
  values: Values<T>
  origins: Readonly<Record<keyof T, Origin>>
  /** One sentence each, naming the variable and the bad value. */
  problems: string[]
}

/** Strings by variable name, the first source that has one wins. */
export type EnvSource = readonly [Origin, Readonly<Record<string, string | undefined>>]

/** Reads every variable of a table, and collects every problem. */
export function readEnvTable<T extends EnvTable>(table: T, sources: readonly EnvSource[]): ReadResult<T> {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  const origins: Record<string, Origin> = {}
  for (const [key, variable] of Object.entries(table)) {
    const found = sources.find(([, strings]) => (strings[variable.name] ?? '') !== '')
    const raw = found?.[1][variable.name] ?? ''
    origins[key] = found?.[0] ?? 'default'
    values[key] = variable.fallback
    if (raw === '') continue
    try {
      values[key] = variable.parse(raw)
    } catch (error) {
      problems.push(`${variable.name} ${(error as Error).message}, got ${shown(variable, raw)}`)
    }
  }
  return { values: values as Values<T>, origins: origins as Record<keyof T, Origin>, problems }
}

const MAX_SHOWN = 120

function shown({ secret }: { secret?: true }, raw: string): string {
  if (secret === true) return '(secret, not shown)'
  return JSON.stringify(raw.length > MAX_SHOWN ? `${raw.slice(0, MAX_SHOWN)}…` : raw)
}
