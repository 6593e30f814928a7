/** One line of a configuration, as HAProxy splits it. Empty lines and comments leave none. */
export interface ConfigLine {
  /** Counted from 1. */
  number: number
  words: string[]
}

interface ConfigSection {
  /** `global`, `defaults`, `frontend`, `backend`, `listen`, `peers` … */
  kind: string
  /** Empty when it has none. */
  name: string
  number: number
  lines: ConfigLine[]
}

export interface ParsedConfig {
  sections: ConfigSection[]
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

/** Splits a configuration into sections and words. Never fails: whether it is right is for HAProxy to say. */
export function parseConfig(text: string): ParsedConfig {
  const sections: ConfigSection[] = []
  let current: ConfigSection | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const words = splitWords(line)
    const [keyword, name = ''] = words
    if (keyword === undefined) continue
    if (SECTION_KINDS.has(keyword)) {
      current = { kind: keyword, name, number: index + 1, lines: [] }
      sections.push(current)
    } else {
      current?.lines.push({ number: index + 1, words })
    }
  }
  return { sections }
}

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
