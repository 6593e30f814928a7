import { SECTION_KINDS, splitWords } from '../config/parser.ts'

/**
 * The operator's text as HAProxy loads it, behind base.cfg: what base.cfg stands before would else be lost or refused.
 * Each line keeps its number, which HAProxy names in its words.
 *
 * - A `defaults` section takes over ours by `from`: without it, it would replace ours as a whole, and a reload forget
 *   which servers are down or in maintenance.
 * - Lines that HAProxy takes before any other section only (from 3.0 on) stand in base.cfg instead.
 * - `zero-warning` is for the check alone: HAProxy warns of each server that the former worker knew as down, and would
 *   not start with it.
 * - `resetenv` keeps what peers.cfg needs, and a master that is to know after a reload which workers it has.
 */
export function asLoaded(text: string): string {
  const head = headOf(text)
  const rest = text.slice(head.length)
  return (head.replaceAll(MARKED_IN_HEAD, `${MARK}$&`) + rest.replaceAll(MARKED_IN_REST, `${MARK}$&`))
    .replaceAll(RESETENV, `$&${KEPT}`)
    .replaceAll(DEFAULTS_LINE, (line) =>
      line.replaceAll(FROM_OURS, `\t${FROM_OURS}`).replace(OWN_DEFAULTS, `$&${FROM_OURS}`)
    )
}

/** The same as it is checked. */
export function asJudged(text: string): string {
  return asLoaded(text).replaceAll(MARKED_ZERO, '')
}

/** The operator's text that became this file. */
export function asWritten(file: string): string {
  return file
    .replaceAll(DEFAULTS_LINE, (line) => line.replace(TAKEN_OVER, '').replaceAll(`\t${FROM_OURS}`, FROM_OURS))
    .replaceAll(KEPT_NAMES, '')
    .replaceAll(MARKED, '')
}

/**
 * What base.cfg begins with: the lines that come too late behind it, with what decides about them, on the lines that
 * they have in the operator's text.
 */
export function earlyLines(text: string): string {
  const head = headOf(text)
  if (head.search(EARLY) === -1) return ''
  const lines = head.split('\n').map((line) => (DECIDES.test(line) ? line : ''))
  const early = `${lines.join('\n').trimEnd()}\n`.replaceAll(RESETENV, `$&${KEPT}`)
  // One that holds sections, too, has not ended yet.
  const open = [...early.matchAll(BLOCK)].reduce((depth, [, word]) => depth + (word === 'if' ? 1 : -1), 0)
  return early + '.endif\n'.repeat(Math.max(open, 0))
}

/** Name of our `defaults` that those of the operator take over. */
export const OUR_DEFAULTS = 'kontrol-haproxy'

/** With a tab, which tells it from the same words of an operator's; one who copied ours has another tab. */
const FROM_OURS = `\tfrom ${OUR_DEFAULTS}`
const KEPT = '\tHAPROXY_LOCALPEER HAPROXY_MWORKER HAPROXY_MWORKER_REEXEC HAPROXY_PROCESSES'
const MARK = '#kontrol-haproxy: '
/** A line ends with LF and with nothing else: `m` of a regular expression knows other ends. */
const BEGIN = String.raw`(?<=^|\n)`
const DEFAULTS = String.raw`[ \t]*defaults`
const WORD = String.raw`(?:[^\s#"'\\]|\\[^\n\t]|"(?:[^"\\\n]|\\[^\n])*"|'[^'\n]*')+`
const THREADS = '(?:nbthread|thread-groups?)'
const ZERO = String.raw`[ \t]*zero-warning(?=[\s#]|$)`

const DEFAULTS_LINE = new RegExp(`${BEGIN}${DEFAULTS}[^\\n]*`, 'g')
/** One with a `from` of its own has ours by that one. */
const OWN_DEFAULTS = new RegExp(`^${DEFAULTS}(?:[ \\t]+(?!from[ \\t])${WORD})?(?=[ \\t\\r]*(?:#[^\\n]*)?$)`)
const TAKEN_OVER = new RegExp(`(?<!\\t)${FROM_OURS}`)
const RESETENV = new RegExp(String.raw`${BEGIN}[ \t]*resetenv(?=[\s#]|$)`, 'g')
const KEPT_NAMES = new RegExp(String.raw`(?<=(?:^|\n)[ \t]*resetenv)${KEPT}`, 'g')
const MARKED = new RegExp(`${BEGIN}${MARK}`, 'g')
const MARKED_ZERO = new RegExp(`${MARKED.source}(?=${ZERO})`, 'g')
const EARLY = new RegExp(String.raw`${BEGIN}[ \t]*${THREADS}(?=[ \t])`, 'g')
const MARKED_IN_REST = new RegExp(`${MARKED.source}|${BEGIN}${ZERO}`, 'g')
const MARKED_IN_HEAD = new RegExp(`${MARKED_IN_REST.source}|${EARLY.source}`, 'g')
const DECIDES = new RegExp(
  String.raw`^[ \t]*(?:global|${THREADS}|\.(?:if|elif|else|endif)|(?:pre|re|un)?setenv)(?=[\s#]|$)`
)
const BLOCK = new RegExp(String.raw`${BEGIN}[ \t]*\.(if|endif)(?=[\s#]|$)`, 'g')

/** What stands before the first section that is no `global`. */
function headOf(text: string): string {
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at) + 1 || text.length
    const [word = ''] = splitWords(text.slice(at, end).trimEnd())
    if (word !== 'global' && SECTION_KINDS.has(word)) return text.slice(0, at)
    at = end
  }
  return text
}
