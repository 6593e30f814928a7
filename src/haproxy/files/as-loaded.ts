import { SECTION_KINDS, splitWords } from '../config/parser.ts'

/**
 * The operator's text as HAProxy loads it, behind base.cfg: what base.cfg stands before would else be lost or refused.
 * Each line keeps its number, which HAProxy names in its words.
 *
 * - A `defaults` section takes over ours by `from`: without it, it would replace ours as a whole, and a reload forget
 *   which servers are down or in maintenance.
 * - Lines that HAProxy takes before any other section only (from 3.0 on) stand in base.cfg instead.
 */
export function asLoaded(text: string): string {
  const head = headOf(text)
  const rest = text.slice(head.length)
  const marked = head.replaceAll(EARLY_OR_MARKED, `${MARK}$&`) + rest.replaceAll(MARKED, `${MARK}$&`)
  return marked.replaceAll(OWN_DEFAULTS, `$1${FROM_OURS}`)
}

/** The operator's text that became this file. */
export function asWritten(file: string): string {
  return file.replaceAll(TAKEN_OVER, '$1').replaceAll(MARKED, '')
}

/**
 * What base.cfg begins with: the lines that come too late behind it, with what decides about them, on the lines that
 * they have in the operator's text.
 */
export function earlyLines(text: string): string {
  const head = headOf(text)
  if (head.search(EARLY) === -1) return ''
  const lines = head.split('\n').map((line) => (DECIDES.test(line) ? line : ''))
  return `${lines.join('\n').trimEnd()}\n`
}

/** Name of our `defaults` that those of the operator take over. */
export const OUR_DEFAULTS = 'kontrol-haproxy'

/** With a tab, which tells it from the same words of an operator's. */
const FROM_OURS = `\tfrom ${OUR_DEFAULTS}`
const MARK = '#kontrol-haproxy: '
/** A line ends with LF and with nothing else: `m` of a regular expression knows other ends. */
const BEGIN = String.raw`(?<=^|\n)`
const DEFAULTS = String.raw`${BEGIN}[ \t]*defaults`
const WORD = String.raw`(?:[^\s#"'\\]|\\[^\n]|"(?:[^"\\\n]|\\[^\n])*"|'[^'\n]*')+`
const THREADS = '(?:nbthread|thread-groups?)'

/** One with a `from` of its own has ours by that one. */
const OWN_DEFAULTS = new RegExp(
  String.raw`(${DEFAULTS}(?:[ \t]+(?!from[ \t])${WORD})?)(?=[ \t\r]*(?:#[^\n]*)?(?:\n|$))`,
  'g'
)
const TAKEN_OVER = new RegExp(`(${DEFAULTS}[^\\n]*)${FROM_OURS}`, 'g')
const MARKED = new RegExp(`${BEGIN}${MARK}`, 'g')
const EARLY = new RegExp(String.raw`${BEGIN}[ \t]*${THREADS}(?=[ \t])`, 'g')
const EARLY_OR_MARKED = new RegExp(`${EARLY.source}|${MARKED.source}`, 'g')
const DECIDES = new RegExp(
  String.raw`^[ \t]*(?:global|${THREADS}|\.(?:if|elif|else|endif)|(?:pre|re|un)?setenv)(?=[\s#]|$)`
)

/**
 * What stands before the first section that is no `global`. One within an `.if` may not be there: where it is, HAProxy
 * alone would refuse what comes behind it.
 */
function headOf(text: string): string {
  let [depth, whole] = [0, 0]
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at) + 1 || text.length
    const [word = ''] = splitWords(text.slice(at, end).trimEnd())
    if (depth === 0 && word !== 'global' && SECTION_KINDS.has(word)) break
    if (word === '.if') depth++
    if (word === '.endif') depth--
    at = end
    if (depth === 0) whole = at
  }
  return text.slice(0, whole)
}
