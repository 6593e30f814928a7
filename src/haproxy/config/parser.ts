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

/** Without these a line is split at its blanks, which for ten thousand servers matters. Only ASCII blanks are blanks. */
const SPECIAL = /['"\\]|[^\t -~]/

/** A line as far as it can be told what HAProxy makes of it. */
export interface ReadLine {
  /** Without the comment; all of it when quotes or escapes stand before the first `#`. */
  text: string
  /** Neither quotes, escapes, nor anything beyond printable ASCII: its words are what stands between blanks. */
  plain: boolean
}

export function readLine(raw: string): ReadLine {
  const hash = raw.indexOf('#')
  const text = hash === -1 ? raw : raw.slice(0, hash)
  return SPECIAL.test(text) ? { text: raw, plain: false } : { text, plain: true }
}

/** A piece of a word, or what stands between two: HAProxy's quoting, section 2.2 of its manual. */
const TOKEN =
  /(?<blank>[ \t\r\v\f]+)|(?<comment>#)|'(?<strong>[^']*)'?|"(?<weak>(?:\\.|[^"\\])*)"?|(?<escaped>\\(?:x[\da-fA-F]{2}|.))|(?<plain>[^ \t\r\v\f#'"\\]+)|\\$/g

/**
 * Splits one line at unquoted blanks; an unquoted `#` ends it. Variables of
 * the environment stay as written.
 */
export function splitWords(line: string): string[] {
  const { text, plain } = readLine(line)
  if (plain) return text.match(/[^ \t]+/g) ?? []
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

function meaning({ strong, weak, escaped, plain }: Record<string, string | undefined>): string {
  return strong ?? unescaped(weak ?? escaped ?? '') + (plain ?? '')
}

const CONTROLS: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r' }

/** Any other backslash stays: `\.` is what a regular expression needs. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([\da-fA-F]{2})|([tnr])|([ \\#"'$]))/g,
    (_all, hex?: string, control?: string, self = '') =>
      hex === undefined ? (CONTROLS[control ?? ''] ?? String(self)) : String.fromCharCode(Number.parseInt(hex, 16))
  )
}
