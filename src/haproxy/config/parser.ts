/** One line of a configuration, as HAProxy splits it. Empty lines and comments leave none. */
export interface ConfigLine {
  /** Counted from 1. */
  number: number
  words: readonly string[]
}

export const SECTION_KINDS: ReadonlySet<string> = new Set([
  'acme',
  'backend',
  'cache',
  'crt-store',
  'defaults',
  'dynamic-update',
  'fcgi-app',
  'frontend',
  'global',
  'http-errors',
  'listen',
  'log-forward',
  'log-profile',
  'mailers',
  'peers',
  'program',
  'resolvers',
  'ring',
  'traces',
  'userlist'
])

/** Without these a line is split at its blanks, which for ten thousand servers matters. */
const SPECIAL = /['"\\#]/

/** A piece of a word, or what stands between two: HAProxy's quoting, section 2.2 of its manual. */
const TOKEN =
  /(?<blank>\s+)|(?<comment>#)|'(?<strong>[^']*)'?|"(?<weak>(?:\\.|[^"\\])*)"?|\\(?<escaped>.)|(?<plain>[^\s#'"\\]+)|\\$/g

/**
 * Splits one line at unquoted blanks; an unquoted `#` ends it. Variables of
 * the environment stay as written.
 */
export function splitWords(line: string): string[] {
  if (!SPECIAL.test(line)) return line.match(/\S+/g) ?? []
  const words: string[] = []
  let word: string | undefined
  for (const { groups = {} } of line.matchAll(TOKEN)) {
    if (groups.comment !== undefined) break
    if (groups.blank === undefined) {
      word = (word ?? '') + meaning(groups)
    } else {
      if (word !== undefined) words.push(word)
      word = undefined
    }
  }
  if (word !== undefined) words.push(word)
  return words
}

/** Between double quotes a backslash guards only these. */
function meaning({ strong, weak, escaped, plain }: Record<string, string | undefined>): string {
  return strong ?? weak?.replace(/\\(["\\$'])/g, '$1') ?? escaped ?? plain ?? ''
}
